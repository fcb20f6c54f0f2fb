import { type Command, Option } from 'commander';
import type { PlanDocument } from '../contract/plan-document.ts';
import type { CommandContext } from './context.ts';
import { addSourceOptions, makePlan, type PlanSource, sourceHelp } from './input/plan-source.ts';

type Flags = PlanSource & { readonly output: 'table' | 'wide' | 'json' | 'yaml' };

/** `nodesweep plan`: what a policy would do on a node. */
export function addPlan(program: Command, context: CommandContext): void {
  const command = program
    .command('plan')
    .description('show which images a policy would remove from a node, and why it would keep the others')
    .argument('[policy]', 'name of a policy in the cluster (needs --node)');
  addSourceOptions(command)
    .addOption(
      new Option('-o, --output <format>', 'output format').choices(['table', 'wide', 'json', 'yaml']).default('table'),
    )
    .addHelpText(
      'after',
      `
Examples:
  nodesweep plan --policy cleanup.yaml              what the policy would do on this machine
  nodesweep plan --policy cleanup.yaml -o wide      the same with IDs, all names, and explanations
  nodesweep plan nightly --node node-1              what its last run did on a node of the cluster
  nodesweep plan nightly --node node-1 --fresh      what its next run would do there
${sourceHelp}`,
    )
    .action(async (policy: string | undefined, { output, ...source }: Flags) => {
      checkSource(command, policy, source);
      console.log(await format(await makePlan(policy, source, context), output));
    });
}

function checkSource(command: Command, policy: string | undefined, { node, ...source }: PlanSource): void {
  const fail = (message: string) => command.error(`error: ${message}`, { exitCode: 2 });
  if (policy !== undefined && node === undefined)
    fail(
      `no node is given; use \`${policy} --node NODE\` for a policy of the cluster, or \`--policy FILE\` for a policy in a file`,
    );
  if (policy === undefined && node !== undefined)
    fail(`no policy is given; use \`nodesweep plan POLICY --node ${node}\``);
  if (policy === undefined && source.policy === undefined && source.job === undefined)
    fail('--policy FILE, --job FILE, or POLICY --node NODE is required');
}

async function format(plan: PlanDocument, output: Flags['output']): Promise<string> {
  if (output === 'json' || output === 'yaml') {
    const { formatDocument } = await import('./output/print.ts');
    return formatDocument(plan, output);
  }
  const { formatPlan } = await import('./output/plan-table.ts');
  return formatPlan(plan, output === 'wide');
}
