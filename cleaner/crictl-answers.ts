import * as z from 'zod';
import { describeIssue, describeNonJson, parseTime, unique } from './answer.ts';
import { normaliseNames } from './reference.ts';
import type { Container, ContainerDetails, Image, ImageDetails } from './runtime.ts';

// Go prints 64-bit integers as strings, and older versions leave empty fields out.
const text = z.string().default('');
const size = z.union([z.string().regex(/^\d+$/), z.int().nonnegative()]).transform(Number);
const labels = z.record(z.string(), z.string()).nullish();
const imageSpec = z.object({ image: text, userSpecifiedImage: text, user_specified_image: text }).nullish();

const imageSchema = z.object({
  id: z.string().min(1),
  repoTags: z.array(z.string()).nullish(),
  repoDigests: z.array(z.string()).nullish(),
  size: size.default(0),
  pinned: z.boolean().default(false),
});

const containerSchema = z.object({
  id: z.string().min(1),
  image: imageSpec,
  imageRef: text,
  imageId: text,
  metadata: z.object({ name: text }).nullish(),
  labels,
});

const containerStatusSchema = z.object({
  status: z.object({
    id: z.string().min(1),
    finishedAt: text,
    mounts: z.array(z.object({ image: imageSpec })).nullish(),
  }),
});

const imageStatusSchema = z.object({
  status: z.object({ id: z.string().min(1) }),
  info: z
    .object({
      imageSpec: z
        .object({ created: text, rootfs: z.object({ diff_ids: z.array(z.string()).nullish() }).nullish() })
        .nullish(),
    })
    .nullish(),
});

const filesystemSchema = z.object({ fsId: z.object({ mountpoint: z.string().min(1) }) });

/** `crictl images -o json` */
export const imagesAnswer = z.object({ images: z.array(imageSchema.transform(toImage)) }).transform((a) => a.images);

/** `crictl ps -a -o json` */
export const containersAnswer = z
  .object({ containers: z.array(containerSchema.transform(toContainer)) })
  .transform((answer) => answer.containers);

/** `crictl inspect -o json ID…`: one object for one ID, else an array. */
export const containerStatusesAnswer = oneOrMany(containerStatusSchema.transform(toContainerDetails));

/** `crictl inspecti -o json ID…`: build time and layers, where the runtime tells them. */
export const imageStatusesAnswer = oneOrMany(imageStatusSchema.transform(toImageDetails));

/**
 * `crictl imagefsinfo -o json`: the mount points of the filesystems with images. Newer versions list them, apart from
 * those of the containers; older ones print the only one there is.
 */
export const filesystemsAnswer = z
  .object({ status: z.union([z.object({ imageFilesystems: z.array(filesystemSchema).min(1) }), filesystemSchema]) })
  .transform(({ status }) => ('imageFilesystems' in status ? status.imageFilesystems : [status]))
  .transform((filesystems) => unique(filesystems.map(({ fsId }) => fsId.mountpoint)));

/** `crictl pods -o json`: the states of the sandboxes. */
export const sandboxesAnswer = z
  .object({ items: z.array(z.object({ state: z.string() })) })
  .transform((answer) => answer.items.map(({ state }) => state));

/** `crictl info -o json`: the reference of the pause image, which containerd 2 and others don't tell. */
export const infoAnswer = z
  .object({ status: z.object({}), config: z.object({ sandboxImage: text }).or(z.string()).nullish() })
  .transform(({ config }) => (typeof config === 'object' && config?.sandboxImage ? config.sandboxImage : undefined));

/** Reads what crictl printed, or tells what is wrong with it. */
export function readAnswer<T extends z.ZodType>(
  stdout: string,
  schema: T,
): { readonly answer: z.output<T> } | { readonly flaw: string } {
  const json = parseJson(stdout);
  if (json === undefined) return { flaw: describeNonJson(stdout) };
  const parsed = schema.safeParse(json);
  return parsed.success ? { answer: parsed.data } : { flaw: describeIssue(parsed.error) };
}

/** Before 1.31, crictl printed one document after the other where it was asked about several IDs. */
function parseJson(text: string): unknown {
  const documents = text.split(/\n(?=\{)/);
  try {
    return documents.length > 1 ? documents.map((document) => JSON.parse(document)) : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function oneOrMany<T extends z.ZodType>(one: T) {
  return z.union([z.array(one), one.transform((answer) => [answer])]);
}

function toImage({ id, repoTags, repoDigests, size, pinned }: z.output<typeof imageSchema>): Image {
  return { id, names: normaliseNames([...(repoTags ?? []), ...(repoDigests ?? [])]), sizeBytes: size, pinned };
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
  const mounts = status.mounts ?? [];
  return {
    id: status.id,
    mountedImages: unique(
      mounts.flatMap(({ image }) => [image?.image, image?.userSpecifiedImage, image?.user_specified_image]),
    ),
    ...(finishedAt !== undefined && { finishedAt }),
  };
}

function toImageDetails({ status, info }: z.output<typeof imageStatusSchema>): ImageDetails {
  const builtAt = parseTime(info?.imageSpec?.created);
  const layers = info?.imageSpec?.rootfs?.diff_ids ?? [];
  return { id: status.id, ...(builtAt !== undefined && { builtAt }), ...(layers.length > 0 && { layers }) };
}
