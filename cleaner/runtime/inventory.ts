import { isExact, isImageId } from '../../contract/images/reference.ts';
import { readConsistently } from './consistent.ts';
import { type ImageIndex, indexImages } from './image-index.ts';
import {
  missingOwnContainer,
  noContainers,
  noImages,
  nothingStarted,
  uninspectedContainer,
  unresolvedContainer,
} from './inventory-error.ts';
import { describeFlaws, describeMissingImages, type InventoryRemark } from './remarks.ts';
import type { Container, ContainerDetails, Image, ImageDetails, ImageFlaw, Runtime } from './runtime.ts';

/** The images on a node, and those that a container in any state uses. */
export type ImageUsage = {
  /** Without the images whose entry in the list can't be understood, because these must not be removed. */
  readonly images: readonly Image[];
  /** IDs of the images whose entry can't be understood; absent if there are none. They are on the node all the same. */
  readonly unreadable?: ReadonlySet<string>;
  /** IDs of used images, with the names of the containers that use them. */
  readonly inUse: ReadonlyMap<string, readonly string[]>;
  /** For images that only exited containers use: when the last of them finished, in milliseconds since the epoch. */
  readonly finishedAt: ReadonlyMap<string, number>;
  /** Problems for the report that do not affect a decision. */
  readonly remarks: readonly InventoryRemark[];
};

/** The images, containers and sandboxes of a node, from its runtime. */
export type Inventory = ImageUsage & {
  /** References and IDs of the images of pod sandboxes. */
  readonly sandboxReferences: readonly string[];
  /** Details by image ID, only of images for which a decision needs them. */
  readonly details: ReadonlyMap<string, ImageDetails>;
};

/** The facts about a node that are read again before each batch of removals. */
export type Look = Omit<Inventory, 'details'>;

export type ReadUsage = () => Promise<ImageUsage>;

export type ReadLook = () => Promise<Look>;

type UsagePorts = Pick<Runtime, 'listImages' | 'listContainers' | 'inspectContainers' | 'countReadySandboxes'>;

/**
 * Creates a reader of usage. It fails if the lists can't be understood, or are incomplete: no container although
 * sandboxes are ready, no container just after the start of the node (`readUptimeMs`), when pods may not have started yet,
 * or no container of this pod (`podUid`). The mounts of a container never change, so a second reading inspects only new
 * containers.
 */
export function createUsageReader(
  runtime: UsagePorts,
  podUid: string | undefined,
  readUptimeMs: () => number = () => Number.POSITIVE_INFINITY,
): ReadUsage {
  const details = new Map<string, ContainerDetails>();
  return () =>
    readConsistently(
      () => readLists(runtime, podUid, readUptimeMs),
      ({ images, containers }) => [...idsOf(images), ...idsOf(containers)],
      async ({ images, containers }) => {
        await inspectNew(runtime, containers, details);
        const { remarks, ...usage } = resolveContainers(images, containers, details);
        const unreadable = new Set(idsOf(images.filter((image) => !isReadable(image))));
        return {
          images: images.filter(isReadable),
          ...(unreadable.size > 0 && { unreadable }),
          ...usage,
          remarks: [...remarks, ...describeFlaws(images)],
        };
      },
    );
}

/** IDs of all images that are on the node, also of those whose entry can't be understood. */
export function presentIds({
  images,
  unreadable = new Set(),
}: Pick<ImageUsage, 'images' | 'unreadable'>): ReadonlySet<string> {
  return new Set([...idsOf(images), ...unreadable]);
}

/** Creates a reader of looks, which also read the images of sandboxes: a new sandbox may use another image. */
export function createLookReader(readUsage: ReadUsage, runtime: Pick<Runtime, 'getSandboxImages'>): ReadLook {
  return async () => {
    const [usage, sandboxReferences] = await Promise.all([readUsage(), runtime.getSandboxImages()]);
    return { ...usage, sandboxReferences };
  };
}

/** A container that was deleted meanwhile has no mounts. A container that is still in the list must have details. */
async function inspectNew(
  runtime: UsagePorts,
  containers: readonly Container[],
  details: Map<string, ContainerDetails>,
): Promise<void> {
  const unknown = containers.filter(({ id }) => !details.has(id));
  for (const detail of await runtime.inspectContainers(idsOf(unknown))) details.set(detail.id, detail);
  const vanished = new Set(idsOf(unknown).filter((id) => !details.has(id)));
  if (vanished.size === 0) return;
  const present = (await runtime.listContainers()).find(({ id }) => vanished.has(id));
  if (present !== undefined) throw uninspectedContainer(present);
}

async function readLists(runtime: UsagePorts, podUid: string | undefined, readUptimeMs: () => number) {
  const [listed, containers] = await Promise.all([runtime.listImages(), runtime.listContainers()]);
  const images = mergeById(listed);
  const readySandboxes = containers.length === 0 ? await runtime.countReadySandboxes() : 0;
  if (readySandboxes > 0) throw noContainers(readySandboxes);
  if (containers.length === 0 && readUptimeMs() < startTimeMs) throw nothingStarted(readUptimeMs());
  if (images.length === 0 && containers.length > 0) throw noImages(containers.length);
  if (podUid && !containers.some((container) => container.podUid === podUid)) throw missingOwnContainer(podUid);
  return { images, containers };
}

/** Merges entries with one ID: CRI-O lists an artifact once for each of its tags. */
function mergeById(images: readonly Image[]): readonly Image[] {
  const merged = new Map<string, Image>();
  for (const image of images) {
    const key = image.id.startsWith('sha256:') ? image.id : `sha256:${image.id}`;
    const other = merged.get(key);
    merged.set(key, other === undefined ? image : merge(other, image));
  }
  return [...merged.values()];
}

function merge(image: Image, other: Image): Image {
  const flaw = worst(image.flaw, other.flaw);
  return {
    id: image.id,
    names: [...new Set([...image.names, ...other.names])],
    sizeBytes: Math.max(image.sizeBytes, other.sizeBytes),
    pinned: image.pinned || other.pinned,
    ...(flaw && { flaw }),
  };
}

function worst(flaw: ImageFlaw | undefined, other: ImageFlaw | undefined): ImageFlaw | undefined {
  return other?.kind === 'Unreadable' ? other : (flaw ?? other);
}

function isReadable({ flaw }: Image): boolean {
  return flaw?.kind !== 'Unreadable';
}

/** Within this time after the node's start the kubelet may not have started its pods yet. */
const startTimeMs = 3 * 60_000;

/** A single missing image is normal. If no container refers to an image in the list, the two lists do not match. */
function resolveContainers(
  images: readonly Image[],
  containers: readonly Container[],
  details: ReadonlyMap<string, ContainerDetails>,
): Omit<ImageUsage, 'images'> {
  const mountedIn = ({ id }: Container) => details.get(id)?.mountedImages ?? [];
  const index = indexImages(images, [...containers.flatMap(referencesOf), ...containers.flatMap(mountedIn)]);
  const inUse = new Map<string, string[]>();
  const finishedAt = new Map<string, number>();
  const tellsIds = containers.some((container) => isToldById(container, index));
  const missing = containers.filter((container) => isImageMissing(container, index));
  for (const container of containers) {
    const finished = details.get(container.id)?.finishedAt ?? Number.POSITIVE_INFINITY;
    const used = [
      ...resolveImage(container, index, tellsIds),
      ...resolveMounts(container, mountedIn(container), index),
    ];
    for (const id of new Set(used)) {
      const names = inUse.get(id);
      if (names === undefined) inUse.set(id, [container.name]);
      else names.push(container.name);
      finishedAt.set(id, Math.max(finishedAt.get(id) ?? 0, finished));
    }
  }
  const [first] = containers;
  if (first !== undefined && inUse.size === 0) throw unresolvedContainer(first, referencesOf(first));
  return {
    inUse,
    finishedAt: new Map([...finishedAt].filter(([, time]) => Number.isFinite(time))),
    remarks: describeMissingImages(missing),
  };
}

/**
 * Resolves a container by ID, reference and digest, all of them: if a tag moved, both the running image and the image with
 * that tag count as used. A container with an image ID is resolved even if its image is gone, provided that the IDs of other
 * containers are in the list of images (`tellsIds`); otherwise these IDs may be of another kind. A container without an ID
 * must refer to an image, and if it has a digest, not only by a tag, which may have moved.
 */
function resolveImage(container: Container, index: ImageIndex, tellsIds: boolean): ReadonlySet<string> {
  const all = referencesOf(container);
  const found = index(all);
  if (tellsIds && all.some(isImageId)) return found;
  const exact = all.filter((reference) => reference === container.imageId || isExact(reference));
  const decisive = exact.length > 0 ? exact : all;
  if (index(decisive).size === 0) throw unresolvedContainer(container, decisive);
  return found;
}

/** containerd 1.6 has no field for the ID of a container's image, and uses the field of the digest for it. */
function isToldById(container: Container, index: ImageIndex): boolean {
  return referencesOf(container)
    .filter(isImageId)
    .some((reference) => [...index([reference])].some((id) => isSameId(id, reference)));
}

function isSameId(id: string, other: string): boolean {
  return id.replace('sha256:', '') === other.replace('sha256:', '');
}

/** Somebody removed the image by force. The container still runs, and there is nothing to remove. */
function isImageMissing(container: Container, index: ImageIndex): boolean {
  const exact = referencesOf(container).filter(isExact);
  return exact.some(isImageId) && index(exact).size === 0;
}

function resolveMounts(container: Container, references: readonly string[], index: ImageIndex): ReadonlySet<string> {
  const unresolved = references.filter((reference) => !isImageId(reference) && index([reference]).size === 0);
  if (unresolved.length > 0 && !references.some(isImageId)) throw unresolvedContainer(container, unresolved);
  return index(references);
}

function referencesOf({ imageId, references }: Container): readonly string[] {
  return imageId === undefined ? references : [imageId, ...references];
}

function idsOf(objects: readonly { readonly id: string }[]): readonly string[] {
  return objects.map(({ id }) => id);
}
