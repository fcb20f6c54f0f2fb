import { type Command, Option } from 'commander';
import type { Severity } from '../../sets/reasons/severities.ts';
import { trivySeverities } from '../../sets/trivy/images/findings.ts';
import type { CommandContext } from '../context.ts';
import { addSetOptions, runSet, type SetFlags, setHelp } from './options.ts';
import { parseDuration, parserOfList } from './values.ts';

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
  addSetOptions(addTrivyOptions(command))
    .addHelpText('after', trivyHelp)
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

function addTrivyOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--severity <list>', 'images with vulnerabilities of these severities, such as CRITICAL,HIGH')
        .argParser(parserOfList(trivySeverities))
        .default(['CRITICAL'], 'CRITICAL'),
    )
    .option('--fixable', 'count only vulnerabilities that a newer version fixes')
    .option('--end-of-life', 'also images of distributions that get no more fixes')
    .addOption(
      new Option('--expire <duration>', 'forget an image so long after its last report')
        .argParser(parseDuration)
        .default(parseDuration(defaultExpire), defaultExpire),
    );
}

const trivyHelp = `
Examples:
  nodesweep set trivy --name cve-critical
  nodesweep set trivy --name try --severity CRITICAL,HIGH --fixable --output -

Trivy Operator has reports for workloads of now only. So an image stays in the set after its report is gone, until a newer
report of the same digest finds nothing, its tag is rebuilt (for images without a digest), or it expires. The command needs the
right to list vulnerabilityreports and clustervulnerabilityreports (aquasecurity.github.io) in all namespaces.
${setHelp}`;
