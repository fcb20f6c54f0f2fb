import { type Command, Option } from 'commander';
import type { PolicyOverview } from '../scheduler/overview/overview.ts';
import type { NodeStatus } from './cluster/node-status.ts';
import { addClusterOptions, type ClusterOptions } from './cluster/options.ts';
import type { CommandContext } from './context.ts';

interface Flags extends ClusterOptions {
  readonly output: 'table' | 'wide' | 'json' | 'yaml';
  readonly node?: string;
}

/** `nodesweep status`: the policies of a cluster, from the records of the scheduler. */
export function addStatus(program: Command, context: CommandContext): void {
  const command = program
    .command('status')
    .description(
      'show the policies of the cluster with their last run and next scheduled time; with POLICY, why nodes failed, and which nodes have the images of its lists',
    )
    .argument('[policy]');
  addClusterOptions(command)
    .addOption(
      new Option('-o, --output <format>', 'output format').choices(['table', 'wide', 'json', 'yaml']).default('table'),
    )
    .option('--node <name>', 'show what the last run of POLICY did on a node, image by image')
    .addHelpText(
      'after',
      `
Examples:
  nodesweep status                          all policies
  nodesweep status nightly                  one policy, its runs, and the reasons why nodes failed
  nodesweep status nightly --node node-1    what its last run did on a node, image by image

States:      Valid; Invalid: no run starts; Suspended; Unobserved: no scheduler has read its latest version
Environment: KUBECONFIG, NODESWEEP_NAMESPACE

Exit codes:
  0  all policies are valid, and their last runs succeeded; with --node, the run succeeded on the node
  1  not so
  2  the status could not be read`,
    )
    .action(async (policy: string | undefined, flags: Flags, command: Command) => {
      if (flags.node === undefined) return showPolicies(policy, flags, context);
      if (policy !== undefined) return showNode({ policy, node: flags.node }, flags, context);
      command.error(`error: no policy is given; use \`nodesweep status POLICY --node ${flags.node}\``, { exitCode: 2 });
    });
}

async function showPolicies(policy: string | undefined, flags: Flags, context: CommandContext): Promise<void> {
  const { namespaceOf, withRecords } = await import('./cluster/connect.ts');
  const { reportStatus } = await import('./cluster/status-report.ts');
  const choice = { ...flags, environment: context.environment };
  const { policies, unreadable } = await withRecords(choice, (cluster) =>
    reportStatus(cluster, namespaceOf(choice), policy),
  );
  for (const problem of unreadable) console.error(`nodesweep: ${problem}`);
  console.log(await format(policy === undefined ? policies : policies[0], flags, context));
  context.setExitCode(policies.every(isWell) && unreadable.length === 0 ? 0 : 1);
}

async function showNode(
  chosen: { readonly policy: string; readonly node: string },
  flags: Flags,
  context: CommandContext,
): Promise<void> {
  const { withRecords } = await import('./cluster/connect.ts');
  const { readNodeStatus } = await import('./cluster/node-status.ts');
  const status = await withRecords({ ...flags, environment: context.environment }, (cluster) =>
    readNodeStatus(cluster, chosen),
  );
  console.log(await formatNode(status, flags, context));
  context.setExitCode(status.result === 'Failed' ? 1 : 0);
}

function isWell({ valid, runs: [last] }: PolicyOverview): boolean {
  return valid && (last?.outcome === undefined || last.outcome === 'Succeeded' || last.outcome === 'TargetNotMet');
}

async function format(
  shown: readonly PolicyOverview[] | PolicyOverview | undefined,
  { output }: Flags,
  { screen }: CommandContext,
): Promise<string> {
  if (output === 'json' || output === 'yaml') {
    const { formatDocument } = await import('./output/print.ts');
    return formatDocument(shown ?? [], output);
  }
  const { formatDetails, formatPolicies } = await import('./output/status-table.ts');
  const view = { now: new Date(), screen: screen(), isWide: output === 'wide' };
  return shown === undefined || 'length' in shown ? formatPolicies(shown ?? [], view) : formatDetails(shown, view);
}

async function formatNode(status: NodeStatus, { output }: Flags, { screen, program }: CommandContext): Promise<string> {
  if (output === 'json' || output === 'yaml') {
    const { formatDocument } = await import('./output/print.ts');
    return formatDocument(status, output);
  }
  const { formatNodeStatus } = await import('./output/node-status.ts');
  return formatNodeStatus(status, { now: new Date(), screen: screen(), isWide: output === 'wide' }, program);
}
