import * as z from 'zod';
import { diskSchema, imagesSchema } from '../../contract/job.ts';
import { parseDocument } from '../policy/parse.ts';
import { policyFields, slotNeverStarts, startsEverySlot } from '../policy/policy.ts';

/** Besides the thresholds that its cleaners are told, what concerns the scheduler alone. */
const diskPolicySchema = z
  .strictObject({
    onPressure: z
      .boolean()
      .default(false)
      .describe('Starts a run on nodes as soon as they are under disk pressure, once in 10 minutes.'),
    highPercent: diskSchema.shape.highPercent.optional(),
    lowPercent: diskSchema.shape.lowPercent.optional(),
  })
  .superRefine(({ onPressure, ...thresholds }, context) => {
    if (onPressure && Object.values(thresholds).every((value) => value === undefined)) return;
    for (const issue of diskSchema.safeParse(thresholds).error?.issues ?? []) context.addIssue({ ...issue });
  });

/** The document as it is written; a policy is what {@link cleanupSchema} makes of it. */
const cleanupDocumentSchema = z
  .strictObject({
    ...policyFields,
    dryRun: z.boolean().default(false).describe('Plans and reports, and removes nothing.'),
    images: imagesSchema.prefault({}).describe('Which images may go.'),
    disk: diskPolicySchema
      .optional()
      .describe('Remove only from a disk usage on, least recently used images first; start runs under disk pressure.'),
  })
  .refine(startsEverySlot, slotNeverStarts);

/** A cleanup policy, the document under the key `cleanup.yaml`. The names are those of CronJob and DaemonSet. */
export const cleanupSchema = cleanupDocumentSchema.transform(({ disk, ...policy }) => {
  const { onPressure = false, highPercent, lowPercent } = disk ?? {};
  const hasThresholds = highPercent !== undefined && lowPercent !== undefined;
  return { ...policy, onPressure, disk: hasThresholds ? { highPercent, lowPercent } : undefined };
});

/** A cleanup policy as it is written. */
export type CleanupDocument = z.input<typeof cleanupSchema>;
/** A cleanup policy with every default filled in. */
export type CleanupPolicy = z.output<typeof cleanupSchema>;

/** Parses a policy document by itself; every problem is reported, each with its path. */
export function parseCleanup(text: string) {
  return parseDocument(text, cleanupSchema);
}

/** The JSON Schema of the documents as they are written, for editors; what no schema can say, `lint` does. */
export function policyJsonSchema(): object {
  const schema = z.toJSONSchema(cleanupSchema, { io: 'input', target: 'draft-2020-12' });
  return {
    $id: 'https://nodesweep.io/schemas/cleanup.json',
    title: 'nodesweep cleanup policy (cleanup.yaml)',
    ...schema,
  };
}
