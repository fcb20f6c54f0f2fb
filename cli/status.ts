import { type Command, Option } from 'commander';
import type { PolicyOverview } from '../scheduler/overview/overview.ts';
import type { CommandContext } from './context.ts';

interface Flags {
  readonly output: 'table' | 'json' | 'yaml';
  readonly namespace?: string;
}

/** `nodesweep status`: the policies of a cluster, from the records of the scheduler. */
export function addStatus(program: Command, { environment, setExitCode }: CommandContext): void {
  program
    .command('status')
    .description(
      'show the policies of the cluster with their last run and next scheduled time; with POLICY, why nodes failed, and which nodes have the images of its lists',
    )
    .argument('[policy]')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['table', 'json', 'yaml']).default('table'))
    .option('-n, --namespace <name>', 'namespace of the scheduler and its policies (default: nodesweep)')
    .addHelpText(
      'after',
      `
States:      Valid; Invalid: no run starts; Suspended; Unobserved: no scheduler has read its latest version
Environment: KUBECONFIG, NODESWEEP_NAMESPACE
Exit codes:  0 all policies are valid and their last runs succeeded; 1 not so; 2 the status could not be read`,
    )
    .action(async (policy: string | undefined, { output, namespace }: Flags) => {
      const { withRecords } = await import('./cluster/connect.ts');
      const { reportStatus } = await import('./cluster/status-report.ts');
      const { policies, unreadable } = await withRecords({ namespace, environment }, (cluster) =>
        reportStatus(cluster, policy),
      );
      for (const problem of unreadable) console.error(`nodesweep: ${problem}`);
      console.log(await format(policies, policy !== undefined, output));
      setExitCode(policies.every(isWell) && unreadable.length === 0 ? 0 : 1);
    });
}

function isWell({ valid, runs: [last] }: PolicyOverview): boolean {
  return valid && (last?.outcome === undefined || last.outcome === 'Succeeded' || last.outcome === 'TargetNotMet');
}

async function format(policies: readonly PolicyOverview[], isOne: boolean, output: Flags['output']): Promise<string> {
  const [first] = policies;
  if (output !== 'table') {
    const { formatDocument } = await import('./output/print.ts');
    return formatDocument(isOne && first ? first : policies, output);
  }
  const { formatDetails, formatPolicies } = await import('./output/status-table.ts');
  return isOne && first ? formatDetails(first, new Date()) : formatPolicies(policies, new Date());
}
