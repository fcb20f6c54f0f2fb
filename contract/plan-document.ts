import * as z from 'zod';

const bytes = z.int().nonnegative();
const count = z.int().nonnegative();
const percent = z.number().nonnegative();
/** ISO 8601, in UTC. */
const time = z.iso.datetime();

/** The verdict of one rule on an image. */
const verdictSchema = z.object({ rule: z.string(), keeps: z.boolean(), message: z.string() });

/** A line of an image set that names an image. */
const setLineSchema = z.object({
  set: z.string(),
  key: z.string(),
  /** The number of the line, from 1. */
  line: z.int().positive(),
  /** The reference, digest or glob of the line. */
  entry: z.string(),
  reason: z.string().optional(),
});

/** An image set of the policy. */
const planSetSchema = z.object({
  name: z.string(),
  /** The fields of the policy that name it, such as `excludeFrom`. */
  fields: z.array(z.string()),
  /** The reason why it can't be read; absent if it can. */
  problem: z.string().optional(),
});

const plannedImageSchema = z.object({
  id: z.string().min(1),
  /** Normalised tags and digests; empty for an image without a name. */
  names: z.array(z.string()),
  /** The size that the runtime reports. Layers that images share count for each of them. */
  sizeBytes: bytes,
  /** This field and the next three are absent in a plan that was read from a log. */
  pinned: z.boolean().optional(),
  /** The time at which nodesweep first saw the image; absent if it is older than the history of the node. */
  firstSeen: time.optional(),
  /** The time of the last use; absent if nodesweep never saw the image in use. */
  lastUsed: time.optional(),
  /** The containers that use the image, as namespace, pod and container; absent if there are none. */
  usedBy: z.array(z.string()).optional(),
  decision: z.enum(['remove', 'keep']),
  /** The reason why the image is kept or, in a run, why it was not removed. */
  reason: z.string().optional(),
  /** In a run: the result of the removal. */
  outcome: z.string().optional(),
  /** The reason in words. */
  message: z.string(),
  /** The image set because of which the image is kept or removed; absent if there is none. */
  set: z.string().optional(),
  /** The lines of the policy's image sets that name the image, the first of each set; absent if there are none. */
  sets: z.array(setLineSchema).optional(),
  /** The estimated bytes that its removal frees after all earlier removals; absent if the image is kept. */
  freesBytes: bytes.optional(),
  /** The verdicts of all rules, the strongest first; empty in a plan from a log, which has only the decisive one. */
  verdicts: z.array(verdictSchema),
});

/**
 * The plan of a policy for a node (`nodesweep plan -o json`). With `run`, it is what a finished run did there, read from
 * its log. A later release may add fields to a version.
 */
export const planSchema = z.object({
  version: z.literal(1),
  policy: z.string(),
  node: z.string(),
  /** The time of the plan. */
  time,
  /** The run from whose log the plan was read. */
  run: z.string().optional(),
  /** The time at which the history of the node began. */
  historySince: time.optional(),
  /** The thresholds of the policy. */
  disk: z.object({ highPercent: percent, lowPercent: percent }).optional(),
  /** The filesystem with the images. `after` is an estimate or, in a run, measured. */
  filesystem: z
    .object({
      capacityBytes: bytes,
      usedBytes: bytes,
      usedPercent: percent,
      afterBytes: bytes,
      afterPercent: percent,
    })
    .optional(),
  /** The image sets that the policy names; absent if there are none. */
  sets: z.array(planSetSchema).optional(),
  /** The images, the largest first. */
  images: z.array(plannedImageSchema),
  totals: z.object({
    images: count,
    /** The sum of the sizes. */
    sizeBytes: bytes,
    /** The number of images to remove. */
    removals: count,
    /** The estimated bytes that their removal frees; the sum of their sizes if `nominal`. */
    freesBytes: bytes,
    /** The number of images that count with their full size, because it is unknown which layers they share. */
    nominal: count,
  }),
  /** Remarks for the reader. */
  notes: z.array(z.string()),
});

export type PlanDocument = z.output<typeof planSchema>;
export type PlannedImage = PlanDocument['images'][number];

/** Reads a plan that another nodesweep printed; undefined if the text is not a plan. */
export function parsePlan(text: string): PlanDocument | undefined {
  try {
    return planSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
