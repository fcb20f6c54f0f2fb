import { type Command, InvalidArgumentError, Option } from 'commander';
import { objectNameProblem } from '../../contract/labels.ts';
import type { OpenSource } from '../../sets/main.ts';
import { namespaceOf } from '../cluster/connect.ts';
import { addClusterOptions, type ClusterOptions } from '../cluster/options.ts';
import type { CommandContext } from '../context.ts';
import { parseTimeout } from '../input/parse-timeout.ts';

/** The options that all producers of image sets have. */
export interface SetFlags extends ClusterOptions {
  readonly name: string;
  readonly output?: string;
  /** Seconds. */
  readonly timeout: number;
}

/** The help that all producers have. */
export const setHelp = `
The command reads all of its source before it writes. If it can't, the set stays as it is.
Without a terminal the command prints JSON lines.

Environment: KUBECONFIG, NODESWEEP_NAMESPACE

Exit codes:
  0  the set is up to date
  1  the source could not be read completely; nothing is written
  2  the options are wrong, or the set can't be written`;

/** The name of the memory of a set must be valid, too. */
const memorySuffixLength = '-memory'.length;
const maxNameLength = 253 - memorySuffixLength;

/** Adds the options of {@link SetFlags}. */
export function addSetOptions(command: Command): Command {
  command
    .addOption(new Option('--name <set>', 'name of the image set').argParser(parseSetName).makeOptionMandatory())
    .option('--output <file>', 'write the set to this file, or to standard output with -, and not to the cluster')
    .addOption(
      new Option('--timeout <duration>', 'give up after this time, such as 90s or 10m')
        .argParser(parseTimeout)
        .default(600, '10m'),
    );
  return addClusterOptions(command);
}

/** Runs a producer and sets the exit code. `kind` is that of its source, such as `trivy`. */
export async function runSet(
  kind: string,
  { name, output, timeout, ...choice }: SetFlags,
  context: CommandContext,
  openSource: OpenSource,
): Promise<void> {
  const { environment, screen, exit } = context;
  const interrupted = context.interrupted();
  const { runProducer } = await import('../../sets/main.ts');
  const options = {
    kubeconfig: choice.kubeconfig,
    context: choice.context,
    namespace: namespaceOf({ ...choice, environment }),
    name,
    key: `${kind}.txt`,
    output,
    timeoutSeconds: timeout,
    isForPerson: screen().columns !== undefined,
  };
  // A source that was given up may still be open.
  exit(await runProducer(options, openSource, { environment, interrupted }));
}

function parseSetName(text: string): string {
  const problem = objectNameProblem(text);
  if (problem !== undefined) throw new InvalidArgumentError(`It ${problem}.`);
  if (text.length > maxNameLength) throw new InvalidArgumentError(`It must have at most ${maxNameLength} characters.`);
  return text;
}
