import * as z from 'zod';
import { formatReference, parseReference } from '../../../contract/images/reference.ts';
import { objectNameProblem } from '../../../contract/labels.ts';
import { nodesSchema } from '../../policy/nodes.ts';
import { referenceProblem, toKeepNothing } from './reference-problem.ts';

const maxImages = 100;

const nameSchema = z
  .string()
  .regex(
    /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/,
    'must be a DNS label: at most 63 lower-case letters, digits and dashes, not at the ends',
  );

/** A reference of an image, written in full: `nginx` becomes `docker.io/library/nginx:latest`. */
const referenceSchema = z
  .string()
  .superRefine((text, context) => {
    const message = referenceProblem(text);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .transform(normalise);

/** Normalises a reference. Returns another text unchanged. */
export function normalise(text: string): string {
  const reference = parseReference(text);
  return reference === undefined ? text : formatReference(reference);
}

const imagesSchema = z
  .array(referenceSchema, { error: ({ input }) => (isNothing(input) ? `has no image; ${toKeepNothing}` : undefined) })
  .refine((images) => images.length > 0, `has no image; ${toKeepNothing}`)
  .max(maxImages, `has too many images; a list holds at most ${maxImages}, so use several lists`);

/** True for the texts with which people mean an empty list. A missing field is reported as such. */
function isNothing(input: unknown): boolean {
  return input === null || (typeof input === 'string' && input.trim() === '');
}

/** `nodes` of a list: the nodes that get its images. */
export const listNodesSchema = nodesSchema.extend({
  includeUnschedulable: z.boolean().default(false).describe('Cordoned nodes get the images too.'),
  tolerations: nodesSchema.shape.tolerations.describe(
    'Taints of nodes that get the images all the same. Default: all taints, as for a system daemon.',
  ),
});

export const imagePullPolicySchema = z.enum(['Always', 'IfNotPresent', 'Never']).optional();

const secretNameSchema = z.string().superRefine((name, context) => {
  const message = objectNameProblem(name);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/** One of `lists`: images, and the nodes that get them. */
export const imageListSchema = z.strictObject({
  name: nameSchema.describe('The name of the list, which no other list of the policy has.'),
  images: imagesSchema.describe('References of images; no globs.'),
  nodes: listNodesSchema.prefault({}).describe('Which nodes get the images; all by default.'),
  imagePullPolicy: imagePullPolicySchema.describe(
    'As for a container: Always for the tag latest, else IfNotPresent. An image with a digest is never pulled again.',
  ),
  imagePullSecrets: z
    .array(z.strictObject({ name: secretNameSchema }))
    .default([])
    .describe("Secrets in the scheduler's namespace, for the registries of these images."),
});

/** Images, written in full, and the nodes that get them. */
export type ImageList = z.output<typeof imageListSchema>;
