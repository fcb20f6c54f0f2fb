import { type Command, InvalidArgumentError, Option } from 'commander';
import { durationSchema } from '../../contract/duration.ts';
import { type Severity, severities } from '../../sets/trivy/images/findings.ts';
import type { CommandContext } from '../context.ts';
import { addSetOptions, runSet, type SetFlags, setHelp } from './options.ts';

interface Flags extends SetFlags {
  readonly severity: readonly Severity[];
  readonly fixable?: boolean;
  readonly endOfLife?: boolean;
  /** Milliseconds. */
  readonly expire: number;
}

const defaultExpire = '30d';

/** Adds `nodesweep set trivy`: a set of the images that Trivy Operator finds vulnerable. */
export function addSetTrivy(parent: Command, context: CommandContext): void {
  const command = parent
    .command('trivy')
    .description('write an image set from the VulnerabilityReports of Trivy Operator in the cluster');
  command
    .addOption(
      new Option('--severity <list>', 'images with vulnerabilities of these severities, such as CRITICAL,HIGH')
        .argParser(parseSeverities)
        .default(['CRITICAL'], 'CRITICAL'),
    )
    .option('--fixable', 'count only vulnerabilities that a newer version fixes')
    .option('--end-of-life', 'also images of distributions that get no more fixes')
    .addOption(
      new Option('--expire <duration>', 'forget an image so long after its last report')
        .argParser(parseExpire)
        .default(durationSchema.parse(defaultExpire), defaultExpire),
    );
  addSetOptions(command)
    .addHelpText(
      'after',
      `
Examples:
  nodesweep set trivy --name cve-critical
  nodesweep set trivy --name try --severity CRITICAL,HIGH --fixable --output -

Trivy Operator has reports for workloads of now only. So an image stays in the set after its report is gone, until a newer
report of the same digest finds nothing, its tag is rebuilt (for images without a digest), or it expires. The command needs the
right to list vulnerabilityreports and clustervulnerabilityreports (aquasecurity.github.io) in all namespaces.
${setHelp}`,
    )
    .action(async ({ severity, fixable = false, endOfLife = false, expire, ...flags }: Flags) => {
      const { TrivySource } = await import('../../sets/trivy/source.ts');
      const { KubernetesReports } = await import('../../sets/kubernetes/trivy-reports.ts');
      const criteria = { severities: severity, fixable, endOfLife, expireMs: expire };
      await runSet('trivy', flags, context, async ({ connect, log }) => {
        const warn = (message: string) => log.warn({ event: 'skipped' }, message);
        return new TrivySource(new KubernetesReports(await connect()), criteria, warn);
      });
    });
}

function parseExpire(text: string): number {
  const { data, error } = durationSchema.safeParse(text);
  if (data === undefined) throw new InvalidArgumentError(`It ${error.issues[0]?.message}.`);
  return data;
}

function parseSeverities(text: string): readonly Severity[] {
  const words = text.split(',').map((word) => word.trim().toUpperCase());
  const unknown = words.filter((word) => !severities.some((severity) => severity === word));
  if (unknown.length > 0) throw new InvalidArgumentError(`It must be a list of ${severities.join(', ')}.`);
  return severities.filter((severity) => words.includes(severity));
}
