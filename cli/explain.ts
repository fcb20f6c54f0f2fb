import { type Command, Option } from 'commander';
import type { CommandContext } from './context.ts';
import { addSourceOptions, makePlan, type PlanSource, sourceHelp } from './input/plan-source.ts';

type Flags = PlanSource & { readonly output: 'text' | 'json' | 'yaml' };

/** `nodesweep explain`: why a policy would keep an image, or remove it. */
export function addExplain(program: Command, context: CommandContext): void {
  const command = program
    .command('explain')
    .description('show what each rule of a policy decides about an image')
    .argument('<image>', 'a name, an ID, a digest, or the beginning of an ID or a digest')
    .argument('[policy]', 'name of a policy in the cluster (needs --node)');
  addSourceOptions(command)
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json', 'yaml']).default('text'))
    .addHelpText(
      'after',
      `
Examples:
  nodesweep explain nginx:1.27                              what uses it on this machine, and what protects it
  nodesweep explain nginx:1.27 --policy cleanup.yaml        what the policy would do with it here
  nodesweep explain 4f1c0b9d nightly --node node-1          what a run would do with it now on a node of the cluster
${sourceHelp}`,
    )
    .action(async (text: string, policy: string | undefined, { output, ...source }: Flags) => {
      if ((policy === undefined) !== (source.node === undefined))
        command.error('error: POLICY and --node NODE need each other; use --policy FILE for a policy in a file', {
          exitCode: 2,
        });
      const plan = await makePlan(policy, source, context);
      const { findImage } = await import('./input/find-image.ts');
      const { explain, formatExplanation } = await import('./output/explanation.ts');
      const { formatDocument } = await import('./output/print.ts');
      const image = findImage(plan.images, text);
      console.log(
        output === 'text'
          ? formatExplanation(plan, image, context.screen())
          : formatDocument(explain(plan, image), output),
      );
    });
}
