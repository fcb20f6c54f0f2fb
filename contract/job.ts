import * as z from 'zod';
import { checkOf } from './check-fields.ts';
import { durationSchema } from './duration.ts';
import { globSchema } from './images/glob.ts';
import { objectNameProblem } from './labels.ts';
import { pullVerdictsSchema } from './pull-verdicts.ts';

const percent = z.int().min(1).max(100);

/** Maximum number of image sets in one field. Each is a volume of the cleaner pod. */
const maxSets = 16;

const setName = z.string().superRefine((name, context) => {
  const problem = objectNameProblem(name);
  if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
});

/** The names of image sets, each once. */
const setNames = z
  .array(setName)
  .max(maxSets)
  .superRefine((names, context) => {
    for (const [index, name] of names.entries())
      if (names.indexOf(name) < index)
        context.addIssue({ code: 'custom', path: [index], message: `repeats ${name}; name each image set once` });
  })
  .default([]);

/**
 * `images` of a cleanup policy: the images that may be removed, and the rules that protect them. docs/policy.md
 * documents each field.
 */
export const imagesSchema = z.strictObject({
  include: z
    .array(globSchema)
    .default(['**'])
    .describe('Globs over the full reference. Only images that match may be removed.'),
  exclude: z.array(globSchema).default([]).describe('Globs. An image is kept if any of its names matches.'),
  includeFrom: setNames.describe(
    'Image sets. Only images that one of them names, and that include matches, may be removed.',
  ),
  excludeFrom: setNames.describe('Image sets. An image is kept if one of them names it.'),
  removeFrom: setNames.describe(
    'Image sets. An image that one of them names is removed at any age and disk usage, unless another rule keeps it.',
  ),
  maxSetAge: durationSchema
    .optional()
    .describe('An image set whose last complete update is older counts as unreadable.'),
  minAge: durationSchema
    .prefault('2m')
    .describe('An image that is younger, or was used more recently, is never removed.'),
  maxUnusedAge: durationSchema.optional().describe('An image that was unused for longer is removed at any disk usage.'),
  keepNewestPerRepository: z.int().min(0).default(0).describe('Keeps this many newest images of every repository.'),
  keepSideLoaded: z
    .boolean()
    .default(true)
    .describe(
      'Keeps an image that has a name but no repository digest: it came from no registry, so it cannot be pulled again.',
    ),
  protectWorkloads: z
    .boolean()
    .default(false)
    .describe('Keeps every image that a workload template in the cluster names.'),
  requirePullable: z
    .boolean()
    .default(false)
    .describe('Keeps every image that its registry does not have any more, or does not answer for.'),
  keepLastCopy: z
    .boolean()
    .default(false)
    .describe(
      'Keeps an image that its registry does not have any more, or does not answer for, unless another node keeps a copy.',
    ),
  maxPerRun: z.int().min(1).optional().describe('A run removes at most this many images from a node.'),
  maxPercentPerRun: percent
    .optional()
    .describe('If more of the images of a node, or of their bytes, would be removed in a run, nothing is removed.'),
});

/** `disk` of a cleanup policy: removal starts at or above `highPercent`, and stops at or below `lowPercent`. */
export const diskSchema = z
  .strictObject({
    highPercent: percent.describe('Removal starts at or above this usage of the image filesystem.'),
    lowPercent: percent.describe('Removal stops at the first point at or below this usage.'),
  })
  .refine((disk) => disk.lowPercent < disk.highPercent, {
    ...checkOf('highPercent', 'lowPercent'),
    path: ['lowPercent'],
    message: 'must be below highPercent',
  });

/** The name of a file in the directory of the job. */
const fileName = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'must be the name of a file in the directory of the job');

/** The time of an image set whose age is unknown. */
export const unknownSetTime = '';

/** The job of a run. The scheduler writes it to a ConfigMap, and all cleaners of the run read it. */
export const jobSchema = z
  .strictObject({
    version: z.literal(1),
    policy: z.string().min(1),
    run: z.string().min(1),
    dryRun: z.boolean().default(false),
    /** The cleaner ends by itself shortly before this deadline. If the kubelet ended it, its report would be lost. */
    activeDeadlineSeconds: z.int().min(1).optional(),
    images: imagesSchema.prefault({}),
    disk: diskSchema.optional(),
    /** References of pods that are bound to the node. The scheduler passes them separately to each node. */
    startingReferences: z.array(z.string()).default([]),
    /** References that workload templates in the cluster name. */
    workloadReferences: z.array(z.string()).default([]),
    /** References that pre-pull policies keep on nodes. */
    prepulledReferences: z.array(z.string()).default([]),
    /** The answers of registries about the images of the node. The scheduler passes them separately to each node. */
    pullVerdicts: pullVerdictsSchema.optional(),
    /** The cleaner only lists the images that no rule keeps, without the limits of a run, and removes nothing. */
    listsCandidates: z.boolean().optional(),
    /**
     * The time of the last complete update of each image set, by its name, in ISO 8601, or {@link unknownSetTime}. A set that is not
     * in it is none: its ConfigMap does not exist, or lacks the label.
     */
    setTimes: z.record(z.string(), z.string()).optional(),
    /**
     * If set, the job removes only images that these references name, at any age and disk usage, and also side-loaded ones.
     * The cleaner adds those of its node, from a file beside the job. Without that file, or with it and without this field,
     * the job fails.
     */
    removeReferences: z.array(z.string()).optional(),
    /** Files in the directory of the job with more packed references, by field. If a file is missing, the job fails. */
    referenceFiles: z
      .strictObject({ startingReferences: z.array(fileName), workloadReferences: z.array(fileName) })
      .partial()
      .optional(),
  })
  .refine(({ removeReferences, disk }) => removeReferences === undefined || disk === undefined, {
    path: ['disk'],
    message: 'must not be set with removeReferences, which do not depend on disk usage',
  });

/** A job as the scheduler writes it: durations are text, and defaults may be missing. */
export type JobDocument = z.input<typeof jobSchema>;
/** A job as the cleaner uses it: durations in milliseconds, with all defaults. */
export type Job = z.output<typeof jobSchema>;
