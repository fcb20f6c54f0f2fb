import type { Command } from 'commander';
import * as z from 'zod';

/** Adds `nodesweep schema`, which prints the JSON Schema of the policy documents. */
export function addSchema(program: Command): void {
  program
    .command('schema')
    .description('print the JSON Schema of the policy documents')
    .action(async () => {
      const { policyJsonSchema } = await import('../scheduler/cleanup/policy.ts');
      const { prepullJsonSchema } = await import('../scheduler/prepull/policy.ts');
      console.log(JSON.stringify(joinSchemas(policyJsonSchema(), prepullJsonSchema()), undefined, 2));
    });
}

const objectSchema = z.object({ properties: z.record(z.string(), z.unknown()) });

/** One schema for the documents of both kinds. */
function joinSchemas(cleanup: object, prepull: object): object {
  const fields = [cleanup, prepull].flatMap((schema) => Object.keys(objectSchema.parse(schema).properties));
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'https://nodesweep.io/schemas/policy.json',
    title: 'nodesweep policy (cleanup.yaml or prepull.yaml)',
    type: 'object',
    required: ['schedule'],
    properties: Object.fromEntries(fields.map((field) => [field, true])),
    additionalProperties: false,
    anyOf: [cleanup, prepull],
  };
}
