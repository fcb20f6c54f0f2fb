import * as z from 'zod';

/** The kubelet cuts a termination message at this many bytes (`TerminationMessagePath` in the Kubernetes API). */
export const maxReportBytes = 4096;

const count = z.int().nonnegative();

/** An error of one image, or (without `image`) with the whole run on this node. */
const reportErrorSchema = z.strictObject({
  image: z.string().optional(),
  reason: z.string(),
  message: z.string(),
});

/** The report of one cleaner pod: the cleaner writes it as its termination message, the scheduler reads it. */
export const reportSchema = z.strictObject({
  version: z.literal(1),
  outcome: z.enum(['Succeeded', 'PartiallyFailed', 'Failed', 'DryRun']),
  images: z.strictObject({
    total: count,
    inUse: count,
    removed: count,
    failed: count,
    skipped: count,
    unknown: count,
    kept: count,
  }),
  /** `freed` is measured on the filesystem, `nominal` is the sum of the runtime's sizes; both in bytes. */
  bytes: z.strictObject({ freed: count, nominal: count }),
  filesystem: z.strictObject({ capacityBytes: count, usedBeforeBytes: count, usedAfterBytes: count }),
  durationMs: count,
  errors: z.array(reportErrorSchema),
  /** The number of errors that were left out, or had their message cut, to stay below {@link maxReportBytes}. */
  omitted: count,
});

export type Report = z.output<typeof reportSchema>;
export type ReportError = z.output<typeof reportErrorSchema>;

/** Reads a report that a cleaner wrote; undefined where it is none (cut off, or the words of a runtime that failed). */
export function parseReport(text: string): Report | undefined {
  try {
    return reportSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The exit code of the cleaner: 0 done, 1 some removals failed or were not tried, 2 nothing was attempted. */
export function exitCodeOf({ outcome }: Pick<Report, 'outcome'>): 0 | 1 | 2 {
  switch (outcome) {
    case 'Succeeded':
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
