import { isExact, isImageId } from '../../contract/reference.ts';
import { readConsistently } from './consistent.ts';
import { type ImageIndex, indexImages } from './image-index.ts';
import {
  describeMissingImages,
  missingOwnContainer,
  noContainers,
  noImages,
  nothingStarted,
  uninspectedContainer,
  unresolvedContainer,
} from './inventory-error.ts';
import type { Container, ContainerDetails, Image, ImageDetails, Runtime } from './runtime.ts';

/** The images on a node and which of them a container of any state refers to. */
export type ImageUsage = {
  readonly images: readonly Image[];
  /** IDs of used images, with the names of the containers that use each. */
  readonly inUse: ReadonlyMap<string, readonly string[]>;
  /** Of used images with exited containers alone, when the last of these finished, in milliseconds since the epoch. */
  readonly finishedAt: ReadonlyMap<string, number>;
  /** Oddities that stand in the way of no decision, for the report. */
  readonly remarks: readonly string[];
};

/** The contents of a node, as far as the runtime knows them. */
export type Inventory = ImageUsage & {
  /** References and IDs of the images that pod sandboxes stand on. */
  readonly sandboxReferences: readonly string[];
  /** By image ID; of those images only that a decision needs them of. */
  readonly details: ReadonlyMap<string, ImageDetails>;
};

/** The facts about a node that are read again before each batch of removals. */
export type Look = Omit<Inventory, 'details'>;

export type ReadUsage = () => Promise<ImageUsage>;

export type ReadLook = () => Promise<Look>;

type UsagePorts = Pick<Runtime, 'listImages' | 'listContainers' | 'inspectContainers' | 'countReadySandboxes'>;

/**
 * Makes a reader of usage. It fails when the lists can't be understood, or are shorter than they can be: without
 * containers while sandboxes are ready, without any container just after the node's start (`readUptimeMs`), when pods
 * are still to come, or without the container of our own pod (`podUid`). It remembers what it
 * inspected, since a container's mounts never change: a second reading inspects new containers only.
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
        return { images, ...resolveContainers(images, containers, details) };
      },
    );
}

/** Makes a reader of looks: a sandbox may have come since the plan, and stand on another image than those before. */
export function createLookReader(readUsage: ReadUsage, runtime: Pick<Runtime, 'getSandboxImages'>): ReadLook {
  return async () => {
    const [usage, sandboxReferences] = await Promise.all([readUsage(), runtime.getSandboxImages()]);
    return { ...usage, sandboxReferences };
  };
}

/** A container that vanished meanwhile has no mounts any more; one that is listed still must tell them. */
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

/** CRI-O lists an artifact once for each of its tags: it is one image, and all that is said of it counts. */
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
  return {
    id: image.id,
    names: [...new Set([...image.names, ...other.names])],
    sizeBytes: Math.max(image.sizeBytes, other.sizeBytes),
    pinned: image.pinned || other.pinned,
  };
}

/** Within this time after the node's start the kubelet may not have started its pods yet. */
const startTimeMs = 3 * 60_000;

/** One image that is gone is no wonder; but where no container leads to any image, the two lists speak of other things. */
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
    remarks: missing.length > 0 ? [describeMissingImages(missing)] : [],
  };
}

/**
 * By ID, reference and digest, all of them: where a tag moved, both the image that runs and the one that the tag names
 * now are used. With an ID a container is resolved, even if its image is gone, as long as those of other containers lead
 * to images (`tellsIds`): else IDs of containers may be of another kind than those in the list of images. Without an ID
 * it has to lead to some image, and not by a tag alone where it tells a digest too: the tag may have moved since.
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

/** containerd 1.6 has no field for the ID of a container's image, and tells it where others tell a digest. */
function isToldById(container: Container, index: ImageIndex): boolean {
  return referencesOf(container)
    .filter(isImageId)
    .some((reference) => [...index([reference])].some((id) => isSameId(id, reference)));
}

function isSameId(id: string, other: string): boolean {
  return id.replace('sha256:', '') === other.replace('sha256:', '');
}

/** Somebody took the image away by force: the container runs on, and nothing is left to remove. */
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
