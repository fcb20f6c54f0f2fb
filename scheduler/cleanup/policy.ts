import * as z from 'zod';
import { checkOf } from '../../contract/check-fields.ts';
import { diskSchema, imagesSchema } from '../../contract/job.ts';
import { parseDocument } from '../policy/parse.ts';
import { checkStart, ofStart, policyFields } from '../policy/policy.ts';
import { describeIssue } from '../policy/words/describe-issue.ts';

/** The thresholds for the cleaners, and the field for the scheduler. */
const diskPolicySchema = z
  .strictObject({
    onPressure: z
      .boolean()
      .default(false)
      .describe('Starts a run on nodes under disk pressure, at most once in 10 minutes.'),
    highPercent: diskSchema.shape.highPercent.optional(),
    lowPercent: diskSchema.shape.lowPercent.optional(),
  })
  .superRefine(
    ({ onPressure, highPercent, lowPercent }, context) => {
      if (onPressure && highPercent === undefined && lowPercent === undefined) return;
      for (const issue of diskSchema.safeParse({ highPercent, lowPercent }, { error: describeIssue }).error?.issues ??
        [])
        context.addIssue({ ...issue });
    },
    checkOf('onPressure', 'highPercent', 'lowPercent'),
  );

/** The document of a policy. {@link cleanupSchema} converts it to a policy. */
const cleanupDocumentSchema = z
  .strictObject({
    ...policyFields,
    dryRun: z.boolean().default(false).describe('Decides and reports, but removes nothing.'),
    images: imagesSchema.prefault({}).describe('Images that may be removed.'),
    disk: diskPolicySchema
      .optional()
      .describe(
        'Removes images only above a disk usage, the least recently used first; starts runs under disk pressure.',
      ),
  })
  .superRefine(checkStart, ofStart);

/** A cleanup policy, the document under the key `cleanup.yaml`. The names are those of CronJob and DaemonSet. */
export const cleanupSchema = cleanupDocumentSchema.transform(({ disk, ...policy }) => {
  const { onPressure = false, highPercent, lowPercent } = disk ?? {};
  const hasThresholds = highPercent !== undefined && lowPercent !== undefined;
  return { ...policy, onPressure, disk: hasThresholds ? { highPercent, lowPercent } : undefined };
});

/** The document of a cleanup policy, as the user writes it. */
export type CleanupDocument = z.input<typeof cleanupSchema>;
/** A cleanup policy with all defaults. */
export type CleanupPolicy = z.output<typeof cleanupSchema>;

/** Parses a policy document. Returns all problems with their paths. */
export function parseCleanup(text: string) {
  const parsed = parseDocument(text, cleanupSchema);
  // The schema accepts no other document.
  return parsed.valid ? { ...parsed, document: parsed.document as CleanupDocument } : parsed;
}

/** The JSON Schema of policy documents, for editors. `lint` also checks rules that a schema can't express. */
export function policyJsonSchema(): object {
  const schema = z.toJSONSchema(cleanupSchema, { io: 'input', target: 'draft-2020-12' });
  return {
    $id: 'https://nodesweep.io/schemas/cleanup.json',
    title: 'nodesweep cleanup policy (cleanup.yaml)',
    ...schema,
  };
}
