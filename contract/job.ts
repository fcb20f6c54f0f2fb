import * as z from 'zod';
import { durationSchema } from './duration.ts';
import { globSchema } from './glob.ts';

const percent = z.int().min(1).max(100);

/** `images` of a cleanup policy: which images may go, and what protects one. docs/policy.md documents each field. */
export const imagesSchema = z.strictObject({
  include: z.array(globSchema).default(['**']).describe('Globs over the full reference; only what matches may go.'),
  exclude: z.array(globSchema).default([]).describe('Globs; an image is kept if any of its names matches.'),
  minAge: durationSchema.prefault('2m').describe('Younger, or used more recently, is never removed.'),
  maxUnusedAge: durationSchema.optional().describe('Unused for longer is removed at any disk usage.'),
  keepNewestPerRepository: z.int().min(0).default(0).describe('Keep this many newest images of every repository.'),
  keepSideLoaded: z
    .boolean()
    .default(true)
    .describe('Keep what has a name but no repository digest: no registry gave it, so it cannot be pulled again.'),
  protectWorkloads: z.boolean().default(false).describe('Keep what any workload template in the cluster names.'),
  maxPerRun: z.int().min(1).optional().describe('At most this many images go on a node in one run.'),
});

/** `disk` of a cleanup policy: remove only at or above `highPercent`, and only until at or below `lowPercent`. */
export const diskSchema = z
  .strictObject({
    highPercent: percent.describe('Removal starts at or above this usage of the image filesystem.'),
    lowPercent: percent.describe('Removal stops at the first point at or below this usage.'),
  })
  .refine((disk) => disk.lowPercent < disk.highPercent, {
    path: ['lowPercent'],
    message: 'must be below highPercent',
  });

/** The name of a file in the directory of the job. */
const fileName = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'must be the name of a file beside the job');

/** The contract between the scheduler, which writes it into a ConfigMap, and the cleaners, which all read that one. */
export const jobSchema = z.strictObject({
  version: z.literal(1),
  policy: z.string().min(1),
  run: z.string().min(1),
  dryRun: z.boolean().default(false),
  /** The cleaner comes to its end by itself a little before that: whoever ends it would learn nothing of what it did. */
  activeDeadlineSeconds: z.int().min(1).optional(),
  images: imagesSchema.prefault({}),
  disk: diskSchema.optional(),
  /** References of pods that are bound to the node. The scheduler passes those of each node on beside the job. */
  startingReferences: z.array(z.string()).default([]),
  /** References that workload templates in the cluster name. */
  workloadReferences: z.array(z.string()).default([]),
  /** References that pre-pull policies keep on nodes. */
  prepulledReferences: z.array(z.string()).default([]),
  /** Files beside the job with more references, packed, by the field they add to. A job without one of them is not done. */
  referenceFiles: z
    .strictObject({ startingReferences: z.array(fileName), workloadReferences: z.array(fileName) })
    .partial()
    .optional(),
});

/** A job as it is written: durations are text and defaults may be missing. */
export type JobDocument = z.input<typeof jobSchema>;
/** A job as the cleaner works with it: durations in milliseconds, every default filled in. */
export type Job = z.output<typeof jobSchema>;
