import type { Command } from 'commander';

/** Adds `nodesweep schema`, which prints the JSON Schema of the policy documents. */
export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of the policy documents')
    .action(async () => {
      const { policyJsonSchema } = await import('../scheduler/cleanup/policy.ts');
      console.log(JSON.stringify(policyJsonSchema(), undefined, 2));
    });
}
