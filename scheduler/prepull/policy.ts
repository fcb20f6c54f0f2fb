import * as z from 'zod';
import { nodesSchema } from '../policy/nodes.ts';
import { parseDocument } from '../policy/parse.ts';
import { checkStart, maxInt32, ofStart, parallelismSchema, policyFields, rolloutSchema } from '../policy/policy.ts';
import { imageListSchema } from './lists/image-list.ts';
import { listProblems, maxLists } from './lists/list-problems.ts';
import { toKeepNothing } from './lists/reference-problem.ts';

export type { ImageList } from './lists/image-list.ts';

const positiveSeconds = z.int().min(1).max(maxInt32);

const noList = `has no list; ${toKeepNothing}`;
const listsSchema = z
  .array(imageListSchema, { error: ({ input }) => (input === null || input === '' ? noList : undefined) })
  .refine((lists) => lists.length > 0, noList)
  .max(maxLists, `has too many lists; a policy has at most ${maxLists}`)
  .superRefine(
    (lists, context) => {
      for (const { path, message } of listProblems(lists))
        context.addIssue({ code: 'custom', path: [...path], message });
    },
    // A list with a problem does not hide the problems of the others.
    { when: () => true },
  );

const prepullRolloutSchema = rolloutSchema.extend({
  parallelism: parallelismSchema
    .default('10%')
    .describe('Number of nodes that pull at the same time, or a percentage, rounded up.'),
  perRegistry: z
    .int()
    .min(1)
    .max(maxInt32)
    .default(20)
    .describe('Number of nodes that pull from one registry at the same time.'),
});

/** A run goes over the nodes of its lists, and waits for the one before it. */
const { nodes: _, concurrencyPolicy: __, ...sharedFields } = policyFields;

/** The document of a policy. {@link prepullSchema} converts it to a policy. */
const prepullDocumentSchema = z
  .strictObject({
    ...sharedFields,
    lists: listsSchema.describe('The images, and the nodes that get them.'),
    hold: z
      .boolean()
      .default(true)
      .describe('Keeps the finished pods, so that kubelet and runtime count the images as used.'),
    newNodes: z.boolean().default(true).describe('A node gets its images as soon as it is Ready.'),
    removalPolicy: z
      .enum(['Delete', 'Retain'])
      .default('Delete')
      .describe('What happens to images that are in no list any more, and to all images when the policy is deleted.'),
    disk: z
      .strictObject({
        maxPercent: z.int().min(1).max(100).default(80).describe('Nodes with a higher disk usage pull nothing.'),
      })
      .prefault({})
      .describe('When a node is too full to pull.'),
    rollout: prepullRolloutSchema.prefault({}).describe('How the run spreads over the nodes.'),
    imagePullTimeoutSeconds: positiveSeconds
      .default(600)
      .describe('An image that has no result for this long has failed.'),
    startupTaint: z
      .strictObject({
        timeoutSeconds: positiveSeconds
          .default(600)
          .describe('A node loses the taint this long after it was created, also if images are missing.'),
      })
      .optional()
      .describe(
        'Nodes that join with the taint nodesweep.io/prepull=pending:NoSchedule lose it when their images are present. This needs the overlay that lets the scheduler change nodes.',
      ),
  })
  .superRefine(checkStart, ofStart);

/** A policy of image lists, the document under the key `prepull.yaml`. */
export const prepullSchema = prepullDocumentSchema.transform((policy) => ({
  ...policy,
  // Each list selects its nodes.
  nodes: nodesSchema.parse({}),
  concurrencyPolicy: 'Forbid' as const,
  dryRun: false,
  onPressure: false,
}));

/** The document of a policy of image lists, as the user writes it. */
export type PrepullDocument = z.input<typeof prepullSchema>;
/** A policy of image lists with all defaults. Its references are written in full. */
export type PrepullPolicy = z.output<typeof prepullSchema>;

/** Parses a policy document. Returns all problems with their paths. */
export function parsePrepull(text: string) {
  const parsed = parseDocument(text, prepullSchema);
  // The schema accepts no other document.
  return parsed.valid ? { ...parsed, document: parsed.document as PrepullDocument } : parsed;
}

/** The JSON Schema of policy documents, for editors. `lint` also checks rules that a schema can't express. */
export function prepullJsonSchema(): object {
  const schema = z.toJSONSchema(prepullSchema, { io: 'input', target: 'draft-2020-12' });
  return {
    $id: 'https://nodesweep.io/schemas/prepull.json',
    title: 'nodesweep policy of image lists (prepull.yaml)',
    ...schema,
  };
}
