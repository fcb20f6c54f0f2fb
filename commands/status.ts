import { type Command, Option } from 'commander';
import type { PolicyOverview } from '../scheduler/overview.ts';
import { formatDocument } from './print.ts';

interface Flags {
  readonly output: 'table' | 'json' | 'yaml';
  readonly namespace?: string;
}

/** `nodesweep status`: what the scheduler has on record of the policies of a cluster. Hands back the exit code. */
export function addStatus(program: Command, environment: NodeJS.ProcessEnv, exit: (code: number) => void): void {
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
      const { readStatus } = await import('../scheduler/main.ts');
      const { policies, unreadable } = await readStatus({ policy, namespace }, environment);
      for (const problem of unreadable) console.error(`nodesweep: ${problem}`);
      console.log(await format(policies, policy !== undefined, output));
      exit(policies.every(isWell) && unreadable.length === 0 ? 0 : 1);
    });
}

function isWell({ valid, runs: [last] }: PolicyOverview): boolean {
  return valid && last?.phase !== 'Failed';
}

async function format(policies: readonly PolicyOverview[], isOne: boolean, output: Flags['output']): Promise<string> {
  const [first] = policies;
  if (output !== 'table') return formatDocument(isOne && first ? first : policies, output);
  const { formatDetails, formatPolicies } = await import('./status-table.ts');
  return isOne && first ? formatDetails(first, new Date()) : formatPolicies(policies, new Date());
}
