import { type Command, Option } from 'commander';
import type { PolicyOverview } from './cluster/overview.ts';
import type { CommandContext } from './context.ts';

interface Flags {
  readonly output: 'table' | 'json' | 'yaml';
  readonly namespace?: string;
}

/** `nodesweep status`: what the scheduler has on record of the policies of a cluster. */
export function addStatus(program: Command, { environment, setExitCode }: CommandContext): void {
  program
    .command('status')
    .description('show the policies of the cluster, their last runs and next slots; with POLICY, why nodes failed')
    .argument('[policy]')
    .addOption(
      new Option('-o, --output <format>', 'how to print it').choices(['table', 'json', 'yaml']).default('table'),
    )
    .option('-n, --namespace <name>', 'where the scheduler and its policies are (default: nodesweep)')
    .addHelpText(
      'after',
      `
States:      Valid; Invalid: it does nothing; Suspended; Unobserved: no scheduler has looked at it as it is now
Environment: KUBECONFIG, NODESWEEP_NAMESPACE
Exit codes:  0 all is well; 1 a policy is invalid, or its last run failed; 2 nothing could be told`,
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
  return valid && last?.phase !== 'Failed';
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
