import { type Command, Option } from 'commander';
import type { PlanDocument, PlannedImage } from '../contract/plan-document.ts';
import type { CommandContext } from './context.ts';
import { addSourceOptions, makePlan, type PlanSource, sourceHelp } from './input/plan-source.ts';
import type { Screen } from './output/layout/screen.ts';

type Flags = PlanSource & {
  readonly output: 'table' | 'wide' | 'json' | 'yaml';
  readonly only?: PlannedImage['decision'] | undefined;
};

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
    .addOption(
      new Option('--only <decision>', 'show only these images; the sums are those of all').choices(['remove', 'keep']),
    )
    .addHelpText(
      'after',
      `
Examples:
  nodesweep plan --policy cleanup.yaml                what the policy would do on this machine
  nodesweep plan --policy cleanup.yaml -o wide        the same with IDs, all names, and explanations
  nodesweep plan --policy cleanup.yaml --only remove  only the images that would go
  nodesweep plan nightly --node node-1                what a run would do now on a node of the cluster
  nodesweep status nightly --node node-1              what its last run did there
${sourceHelp}`,
    )
    .action(async (policy: string | undefined, { output, only, ...source }: Flags) => {
      checkSource(command, policy, source);
      const plan = await makePlan(policy, source, context);
      console.log(await format(plan, { output, only }, context.screen()));
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

async function format(
  plan: PlanDocument,
  { output, only }: Pick<Flags, 'output' | 'only'>,
  screen: Screen,
): Promise<string> {
  if (output === 'json' || output === 'yaml') {
    const { formatDocument } = await import('./output/print.ts');
    const images = plan.images.filter(({ decision }) => only === undefined || decision === only);
    return formatDocument({ ...plan, images }, output);
  }
  const { formatPlan } = await import('./output/plan-table.ts');
  return formatPlan(plan, { screen, isWide: output === 'wide', only });
}
