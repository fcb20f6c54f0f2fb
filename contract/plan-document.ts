import * as z from 'zod';

const bytes = z.int().nonnegative();
const count = z.int().nonnegative();
const percent = z.number().nonnegative();
/** ISO 8601, in UTC. */
const time = z.iso.datetime();

/** The verdict of one rule on an image. */
const verdictSchema = z.object({ rule: z.string(), keeps: z.boolean(), message: z.string() });

const plannedImageSchema = z.object({
  id: z.string().min(1),
  /** Tags and digests, normalised; none of an image without a name. */
  names: z.array(z.string()),
  /** The runtime's own figure; layers that images share count for each. */
  sizeBytes: bytes,
  /** Absent where a log tells of the image: the same goes for the next three. */
  pinned: z.boolean().optional(),
  /** When nodesweep saw it first; absent where it was there before the node's history began. */
  firstSeen: time.optional(),
  /** When it was used last; absent where nodesweep never saw it used. */
  lastUsed: time.optional(),
  /** The containers that use it, as namespace, pod and container; absent where there are none. */
  usedBy: z.array(z.string()).optional(),
  decision: z.enum(['remove', 'keep']),
  /** The reason why it is kept, or (of a run) why it was not removed. */
  reason: z.string().optional(),
  /** Of a run: what came of the decision to remove it. */
  outcome: z.string().optional(),
  /** The reason in words. */
  message: z.string(),
  /** The bytes that its removal is likely to free, after all that go before it; absent where it is kept. */
  freesBytes: bytes.optional(),
  /** The verdicts of all rules on it, strongest first; empty where a log tells of it, which has the decisive one alone. */
  verdicts: z.array(verdictSchema),
});

/**
 * The plan of a policy for a node: `nodesweep plan -o json`. Or, with `run`, what it did there, as the log of a finished
 * run tells. Fields may be added within a version.
 */
export const planSchema = z.object({
  version: z.literal(1),
  policy: z.string(),
  node: z.string(),
  /** When this was so. */
  time,
  /** The run that this is taken from. */
  run: z.string().optional(),
  /** Since when nodesweep knows the node; nothing is known of the time before. */
  historySince: time.optional(),
  /** The thresholds of the policy. */
  disk: z.object({ highPercent: percent, lowPercent: percent }).optional(),
  /** The one with the images; percentages as `df` has them. `after`: as foreseen, or of a run as measured. */
  filesystem: z
    .object({
      capacityBytes: bytes,
      usedBytes: bytes,
      usedPercent: percent,
      afterBytes: bytes,
      afterPercent: percent,
    })
    .optional(),
  /** Largest first. */
  images: z.array(plannedImageSchema),
  totals: z.object({
    images: count,
    /** The sum of the sizes. */
    sizeBytes: bytes,
    /** The number of images that are to go. */
    removals: count,
    /** The bytes that these are likely to free; their sizes where `nominal`. */
    freesBytes: bytes,
    /** The number of them that count with their size, as it isn't known which of their layers other images hold. */
    nominal: count,
  }),
  /** Remarks for the reader. */
  notes: z.array(z.string()),
});

export type PlanDocument = z.output<typeof planSchema>;
export type PlannedImage = PlanDocument['images'][number];

/** Reads a plan that another nodesweep printed; undefined where the text is none. */
export function parsePlan(text: string): PlanDocument | undefined {
  try {
    return planSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
