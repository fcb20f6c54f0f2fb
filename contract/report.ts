import * as z from 'zod';
import { referenceOutcomesSchema } from './reference-outcomes.ts';

/** The kubelet cuts a termination message at this many bytes (`TerminationMessagePath` in the Kubernetes API). */
export const maxReportBytes = 4096;

const count = z.int().nonnegative();

/** An error of one image or, without `image`, of the whole run on the node. */
const reportErrorSchema = z.object({
  image: z.string().optional(),
  reason: z.string(),
  message: z.string(),
});

/**
 * The report of one cleaner pod: the cleaner writes it as its termination message, the scheduler reads it. Unknown keys are
 * ignored, because in an upgrade a scheduler may read the report of a newer cleaner.
 */
export const reportSchema = z.object({
  version: z.literal(1),
  /** `TargetNotMet`: all work was done, but disk usage is still above `lowPercent`. */
  outcome: z.enum(['Succeeded', 'TargetNotMet', 'PartiallyFailed', 'Failed', 'DryRun']),
  images: z.object({
    total: count,
    inUse: count,
    removed: count,
    failed: count,
    skipped: count,
    unknown: count,
    kept: count,
  }),
  /** `freed` is measured on the filesystem, `nominal` is the sum of the runtime's sizes; both in bytes. */
  bytes: z.object({ freed: count, nominal: count }),
  filesystem: z.object({ capacityBytes: count, usedBeforeBytes: count, usedAfterBytes: count }),
  /** The sizes of the images that are still there, by the reason for it, if usage stayed above `lowPercent`. */
  keptBytes: z.record(z.string(), count).optional(),
  /** The images that were kept, with the sum of their sizes, by the reason to keep them. Absent if the run made no plan. */
  keptByReason: z.record(z.string(), z.object({ images: count, bytes: count })).optional(),
  /** The outcomes of the job's `removeReferences`, in their order, if it has any and nothing ended the run before the plan. */
  references: referenceOutcomesSchema.optional(),
  /** The images that were removed or kept because of an image set, by the name of the set. Only sets with a figure. */
  sets: z.record(z.string(), z.object({ removed: count, kept: count })).optional(),
  /**
   * The images that no rule keeps, if the cleaner only listed them. The log has their names, and the scheduler asks the registries
   * about them.
   */
  candidates: count.optional(),
  durationMs: count,
  errors: z.array(reportErrorSchema),
  /** The number of errors that are missing or have a shortened message, to stay below {@link maxReportBytes}. */
  omitted: count,
});

export type Report = z.output<typeof reportSchema>;
export type ReportError = z.output<typeof reportErrorSchema>;

/** Reads the report of a cleaner; undefined if the text is not a report, such as a cut one or an error of the runtime. */
export function parseReport(text: string): Report | undefined {
  try {
    return reportSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The reason of the error if more would be removed than `images.maxPercentPerRun` allows. Another try does not help. */
export const tooManyRemovals = 'TooManyRemovals';

/**
 * The reason of the error if an image set can't be read. If it is the first error of a failed report, nothing was attempted
 * because of it. Another try does not help.
 */
export const imageSetUnreadable = 'ImageSetUnreadable';

/** The reason of the error if lines of an image set name no image. */
export const imageSetLineInvalid = 'ImageSetLineInvalid';

/** The exit code of the cleaner: 0 if all was done, 1 if some removals failed or were not tried, 2 if nothing was tried. */
export function exitCodeOf({ outcome }: Pick<Report, 'outcome'>): 0 | 1 | 2 {
  switch (outcome) {
    case 'Succeeded':
    case 'TargetNotMet':
    case 'DryRun':
      return 0;
    case 'PartiallyFailed':
      return 1;
    case 'Failed':
      return 2;
    default:
      return outcome satisfies never;
  }
}
