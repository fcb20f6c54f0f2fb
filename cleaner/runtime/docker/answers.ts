import * as z from 'zod';
import { isImageId, normaliseNames } from '../../../contract/images/reference.ts';
import { describeIssue, describeNonJson, parseTime, unique } from '../answer.ts';
import { readEach, readSize } from '../image-list.ts';
import type { Container, ContainerDetails, Image, ImageDetails } from '../runtime.ts';

const text = z.string().default('');
/** A list, which Go prints as null if it is empty. Fields that protect an image are required. */
const texts = listOf(z.string());
/** Images are removed by this ID, so it must not be anything else. */
const imageId = z.string().refine(isImageId, 'is not an image ID');
const mounts = listOf(
  z
    .object({ Type: z.string(), Name: text, Source: text })
    .transform((mount) => ({ isImage: mount.Type === 'image', references: referencesOf(mount) }))
    .refine(({ isImage, references }) => !isImage || references.length > 0, 'is an image without a name'),
);

const imageSchema = z.object({
  Id: imageId,
  RepoTags: texts,
  RepoDigests: texts,
  Size: z.number(),
});

const containerSchema = z.object({
  Id: z.string().min(1),
  Names: texts,
  Image: text,
  ImageID: imageId,
  Labels: z.record(z.string(), z.string()).nullish(),
});

const containerInspectSchema = z.object({
  Id: z.string().min(1),
  State: z.object({ Running: z.boolean(), FinishedAt: text }),
  Mounts: mounts,
});

const imageInspectSchema = z.object({
  Id: imageId,
  Created: text,
  RootFS: z.object({ Layers: texts.optional() }).nullish(),
});

const infoSchema = z.object({
  Containers: z.int().nonnegative(),
  DockerRootDir: z.string().min(1),
  Containerd: z.object({ Address: text }).nullish(),
  DriverStatus: z.array(z.array(z.string())).nullish(),
});

/** Labels of Kubernetes, which dockershim and cri-dockerd set. */
const kubernetes = (key: string) => `io.kubernetes.${key}`;

/** `GET /images/json` */
export const imagesAnswer = z
  .array(z.unknown())
  .transform(readEach(imageSchema.transform(toImage), { id: 'Id', names: ['RepoTags', 'RepoDigests'] }));

/** `GET /containers/json?all=1` */
export const containersAnswer = z.array(containerSchema.transform(toContainer));

/** `GET /containers/ID/json` */
export const containerAnswer = containerInspectSchema.transform(toContainerDetails);

/** `GET /images/ID/json` */
export const imageAnswer = imageInspectSchema.transform(toImageDetails);

/** `GET /images/ID/json`, also with a name: all names of the image, tags first. */
export const imageNamesAnswer = z
  .object({ Id: imageId, RepoTags: texts, RepoDigests: texts })
  .transform(({ Id, RepoTags, RepoDigests }) => ({ id: Id, names: [...RepoTags, ...RepoDigests] }));

/** The images of `GET /images/json?shared-size=1` and of `GET /system/df`: known shared bytes by ID. */
export const sharedSizesAnswer = z
  .array(z.object({ Id: z.string(), SharedSize: z.int() }).catch({ Id: '', SharedSize: -1 }))
  .transform((images) => new Map(images.flatMap(({ Id, SharedSize }) => (SharedSize < 0 ? [] : [[Id, SharedSize]]))));

/** `GET /system/df`, before API 1.52 and, for older clients, also after it. */
export const diskUsageAnswer = z.object({ Images: sharedSizesAnswer }).transform(({ Images }) => Images);

/** `GET /info`: the number of containers in any state, and the place of the images. */
export const infoAnswer = infoSchema.transform((info) => ({
  containers: info.Containers,
  imageFilesystem: locateImages(info),
}));

/** Parses an answer of dockerode, or returns its flaw. dockerode returns an answer that is not JSON as bytes. */
export function readAnswer<T extends z.ZodType>(
  answer: unknown,
  schema: T,
): { readonly answer: z.output<T> } | { readonly flaw: string } {
  if (Buffer.isBuffer(answer)) return { flaw: describeNonJson(answer.toString()) };
  const parsed = schema.safeParse(answer);
  return parsed.success ? { answer: parsed.data } : { flaw: describeIssue(parsed.error) };
}

function listOf<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullable()
    .transform((list) => list ?? []);
}

function toImage({ Id, RepoTags, RepoDigests, Size }: z.output<typeof imageSchema>): Image {
  return { id: Id, names: normaliseNames([...RepoTags, ...RepoDigests]), ...readSize(Size), pinned: false };
}

function toContainer({ Id, Names, Image, ImageID, Labels }: z.output<typeof containerSchema>): Container {
  const labels = ['pod.namespace', 'pod.name', 'container.name'].map((key) => Labels?.[kubernetes(key)]);
  const podUid = Labels?.[kubernetes('pod.uid')];
  return {
    id: Id,
    name: labels.filter(Boolean).join('/') || Names[0]?.replace(/^\//, '') || Id,
    ...(podUid && { podUid }),
    imageId: ImageID,
    references: unique([Image]),
  };
}

/** A running container keeps the time of its last stop, which is ignored. */
function toContainerDetails({ Id, State, Mounts }: z.output<typeof containerInspectSchema>): ContainerDetails {
  const finishedAt = State.Running ? undefined : parseTime(State.FinishedAt);
  const mountedImages = unique(Mounts.filter(({ isImage }) => isImage).flatMap(({ references }) => references));
  return { id: Id, mountedImages, ...(finishedAt !== undefined && { finishedAt }) };
}

/** The name of an image mount is the reference that the user gave; its source is the directory with the files. */
function referencesOf({ Name, Source }: { readonly Name: string; readonly Source: string }): readonly string[] {
  return unique([Name, Source]).filter((reference) => !reference.startsWith('/'));
}

function toImageDetails({ Id, Created, RootFS }: z.output<typeof imageInspectSchema>): ImageDetails {
  const builtAt = parseTime(Created);
  const layers = RootFS?.Layers ?? [];
  return { id: Id, ...(builtAt !== undefined && { builtAt }), ...(layers.length > 0 && { layers }) };
}

/**
 * With the containerd image store (the default since 29) containerd keeps the images: in its usual directory if it is the
 * containerd of the machine, or in Docker's directory if Docker starts its own.
 */
function locateImages({ DockerRootDir, Containerd, DriverStatus }: z.output<typeof infoSchema>): string {
  const isSnapshotter = DriverStatus?.some(([, value]) => value?.startsWith('io.containerd.snapshotter'));
  const isSystemWide = Containerd?.Address === '/run/containerd/containerd.sock';
  return isSnapshotter && isSystemWide ? '/var/lib/containerd' : DockerRootDir;
}
