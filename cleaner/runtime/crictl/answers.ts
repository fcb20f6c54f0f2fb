import * as z from 'zod';
import { isImageId, normaliseNames, parseReference } from '../../../contract/images/reference.ts';
import { describeIssue, describeNonJson, parseTime, unique } from '../answer.ts';
import { readEach, readSize } from '../image-list.ts';
import type { Container, ContainerDetails, Image, ImageDetails } from '../runtime.ts';

/** A pod sandbox in the list of `crictl pods`. */
export type Sandbox = { readonly id: string; readonly isReady: boolean };

/** The image of one sandbox. */
export type SandboxStatus = {
  readonly id: string;
  /**
   * The reference of the runtime to the image, by name or ID; null if the sandbox has no image, and undefined if it is
   * unknown.
   */
  readonly image: string | null | undefined;
};

/** The details of one image, or only its ID if its configuration can't be understood. */
export type ImageStatus = ImageDetails & { readonly isUnreadable?: true };

/*
 * crictl prints every field, also empty ones. A missing field means a damaged answer, which may lack a name, a use or a pin.
 * Fields of newer versions may be missing, and unknown fields are ignored.
 */
const text = z.string().default('');
const imageSpec = z.object({ image: z.string(), userSpecifiedImage: text, user_specified_image: text }).nullish();
// IDs become arguments of crictl, so an option or a name must not be taken for an ID.
const imageId = z.string().regex(/^(?:[a-z0-9]+:)?[0-9a-f]{64,}$/, 'is not the ID of an image');
const containerId = z.string().regex(/^\w[\w.-]*$/, 'is not the ID of a container');

const imageSchema = z.object({
  id: imageId,
  repoTags: z.array(z.string()),
  repoDigests: z.array(z.string()),
  /** Go prints 64-bit integers as strings. */
  size: z.union([z.string(), z.number()]),
  pinned: z.boolean().optional(),
});

const containerSchema = z.object({
  id: containerId,
  image: imageSpec,
  imageRef: z.string().min(1, 'is empty'),
  imageId: text,
  metadata: z.object({ name: text }).nullish(),
  labels: z
    .object({
      'io.kubernetes.pod.namespace': text,
      'io.kubernetes.pod.name': text,
      'io.kubernetes.pod.uid': text,
    })
    .nullish(),
});

const mountSchema = z.object({ hostPath: text, image: imageSpec }).refine(hasSource, 'has neither a path nor an image');

const containerStatusSchema = z.object({
  status: z.object({ id: containerId, finishedAt: text, mounts: z.array(mountSchema) }),
});

const imageInfo = z
  .object({
    imageSpec: z
      .object({ created: text, rootfs: z.object({ diff_ids: z.array(z.string()).nullish() }).nullish() })
      .nullish(),
  })
  .nullish()
  .transform((info) => ({ spec: info?.imageSpec, isReadable: true }))
  .catch({ spec: undefined, isReadable: false });
const imageStatusSchema = z.object({ status: z.object({ id: imageId }), info: imageInfo });

const sandboxState = z.enum(['SANDBOX_READY', 'SANDBOX_NOTREADY']);

/** CRI-O has the image in these annotations, also for sandboxes without a process. */
const crioImage = 'io.kubernetes.cri-o.Image';
const crioImageName = 'io.kubernetes.cri-o.ImageName';
const sandboxStatusSchema = z.object({
  status: z.object({ id: containerId, state: sandboxState, runtimeHandler: text }),
  info: z
    .object({
      image: z.string().nullish(),
      runtimeSpec: z
        .object({ annotations: z.object({ [crioImage]: text, [crioImageName]: text }).nullish() })
        .nullish(),
    })
    .nullish(),
});

// Some nodes configure the pause image by its ID.
const sandboxImage = text.refine(
  (name) => name === '' || isImageId(name) || parseReference(name) !== undefined,
  'is not a reference',
);
const filesystemSchema = z.object({ fsId: z.object({ mountpoint: z.string().min(1) }) });

/** `crictl images -o json` */
export const imagesAnswer = z
  .object({
    images: z
      .array(z.unknown())
      .refine(arePinsComplete, 'only some of the images have the field pinned')
      .transform(readEach(imageSchema.transform(toImage), { id: 'id', names: ['repoTags', 'repoDigests'] })),
  })
  .transform(({ images }) => images);

/** `crictl ps -a -o json` */
export const containersAnswer = z
  .object({ containers: z.array(containerSchema.transform(toContainer)) })
  .transform((answer) => answer.containers);

/** `crictl inspect -q -o json ID…`: one object for one ID, else an array. */
export const containerStatusesAnswer = oneOrMany(containerStatusSchema.transform(toContainerDetails));

/** `crictl inspecti -o json ID…`: build time and layers, if the runtime reports them. */
export const imageStatusesAnswer = oneOrMany(imageStatusSchema.transform(toImageStatus));

/**
 * `crictl imagefsinfo -o json`: the mount points of the filesystems with images. crictl 1.29 and newer lists them, apart
 * from those of the containers; older versions print one document for each.
 */
export const filesystemsAnswer = oneOrMany(
  z.object({ status: z.union([z.object({ imageFilesystems: z.array(filesystemSchema).min(1) }), filesystemSchema]) }),
)
  .transform((answers) =>
    answers.flatMap(({ status }) => ('imageFilesystems' in status ? status.imageFilesystems : [status])),
  )
  .transform((filesystems) => unique(filesystems.map(({ fsId }) => fsId.mountpoint)));

/** `crictl pods -o json` */
export const sandboxesAnswer = z
  .object({ items: z.array(z.object({ id: containerId, state: sandboxState }).transform(toSandbox)) })
  .transform((answer) => answer.items);

/** `crictl inspectp -o json ID…` */
export const sandboxStatusesAnswer = oneOrMany(sandboxStatusSchema.transform(toSandboxStatus));

/** `crictl info -o json`: the reference of the pause image, which containerd 2 and others do not report. */
export const infoAnswer = z
  .object({ status: z.object({}), config: z.object({ sandboxImage }).or(z.string()).nullish() })
  .transform(({ config }) => (typeof config === 'object' && config?.sandboxImage ? config.sandboxImage : undefined));

/** Parses the output of crictl, or returns its flaw. */
export function readAnswer<T extends z.ZodType>(
  stdout: string,
  schema: T,
): { readonly answer: z.output<T> } | { readonly flaw: string } {
  const json = parseJson(stdout);
  if (json === undefined) return { flaw: describeNonJson(stdout) };
  const parsed = schema.safeParse(json);
  return parsed.success ? { answer: parsed.data } : { flaw: describeIssue(parsed.error) };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return parseDocuments(text);
  }
}

/** Before 1.31, crictl printed one document after the other where it was asked about several IDs. */
function parseDocuments(text: string): unknown {
  const documents = text.split(/\n(?=\{)/);
  try {
    return documents.length > 1 ? documents.map((document) => JSON.parse(document)) : undefined;
  } catch {
    return undefined;
  }
}

function oneOrMany<T extends z.ZodType>(one: T) {
  return z.preprocess((answer) => (Array.isArray(answer) ? answer : [answer]), z.array(one).min(1));
}

/** A version of crictl prints the pin of every image, or of none. */
function arePinsComplete(images: readonly unknown[]): boolean {
  const objects = images.filter((image) => typeof image === 'object' && image !== null);
  return new Set(objects.map((image) => 'pinned' in image)).size <= 1;
}

/** The name of a mounted image, and the reference to which the runtime resolved it. */
function hasSource({ hostPath, image }: { hostPath: string; image?: z.output<typeof imageSpec> }): boolean {
  const isNamed = Boolean(image?.userSpecifiedImage || image?.user_specified_image);
  return image?.image ? true : hostPath !== '' && !isNamed;
}

function toImage({ id, repoTags, repoDigests, size, pinned = false }: z.output<typeof imageSchema>): Image {
  return { id, names: normaliseNames([...repoTags, ...repoDigests]), ...readSize(size), pinned };
}

function toContainer({ id, image, imageRef, imageId, metadata, labels }: z.output<typeof containerSchema>): Container {
  const podUid = labels?.['io.kubernetes.pod.uid'];
  const pod = [labels?.['io.kubernetes.pod.namespace'], labels?.['io.kubernetes.pod.name'], metadata?.name];
  return {
    id,
    name: pod.filter(Boolean).join('/') || id,
    ...(podUid && { podUid }),
    ...(imageId && { imageId }),
    references: unique([image?.image, image?.userSpecifiedImage, imageRef]),
  };
}

function toContainerDetails({ status }: z.output<typeof containerStatusSchema>): ContainerDetails {
  const finishedAt = parseTime(status.finishedAt);
  return {
    id: status.id,
    mountedImages: unique(
      status.mounts.flatMap(({ image }) => [image?.image, image?.userSpecifiedImage, image?.user_specified_image]),
    ),
    ...(finishedAt !== undefined && { finishedAt }),
  };
}

function toSandbox({ id, state }: { id: string; state: z.output<typeof sandboxState> }): Sandbox {
  return { id, isReady: state === 'SANDBOX_READY' };
}

/**
 * containerd has the image in `info.image`, which is empty for a sandbox whose container is gone, and for a sandbox that a
 * shim of another runtime class created without an image (`SandboxInfo` in internal/cri/server/podsandbox/types). CRI-O has
 * it there or in annotations (`createSandboxInfo` in server/sandbox_status.go).
 */
function toSandboxStatus({ status, info }: z.output<typeof sandboxStatusSchema>): SandboxStatus {
  const { id, state, runtimeHandler } = status;
  const annotations = info?.runtimeSpec?.annotations;
  const image = info?.image || annotations?.[crioImage] || annotations?.[crioImageName];
  if (image) return { id, image };
  const hasNone = info?.image === '' && (state === 'SANDBOX_NOTREADY' || runtimeHandler !== '');
  return { id, image: hasNone ? null : undefined };
}

function toImageStatus({ status, info }: z.output<typeof imageStatusSchema>): ImageStatus {
  if (!info.isReadable) return { id: status.id, isUnreadable: true };
  const builtAt = parseTime(info.spec?.created);
  const layers = info.spec?.rootfs?.diff_ids ?? [];
  return { id: status.id, ...(builtAt !== undefined && { builtAt }), ...(layers.length > 0 && { layers }) };
}
