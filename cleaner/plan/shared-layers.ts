import type { Image, ImageDetails } from '../runtime/runtime.ts';

/** A ledger of layers, which shows those that no other image has. */
export type LayerLedger = {
  /** Removes an image; returns the bytes of the layers that are removed with it. */
  remove(image: Image): number;
  /**
   * Requests the removal of an image. Returns the images to remove now, in order: none while images that are not requested
   * have all of its layers, otherwise this image and those that waited for it. Each of them frees a layer, except images
   * with identical layers, of which only the last does.
   */
  ask(image: Image): readonly Image[];
};

/** A layer on top of the layers below it. Equal content on different layers is stored twice, as for chain IDs of snapshots. */
type Layer = {
  readonly number: number;
  /** The number of remaining images with this layer, and how many of these are requested. */
  holders: number;
  asked: number;
  /** Requested images whose topmost layer this is. */
  readonly waiting: Image[];
  bytes: number | undefined;
};

/** The layers of an image, lowest first. */
type Path = readonly Layer[];

/**
 * Opens a ledger of the layers of all images on a node. A runtime reports the sizes of images but not of layers, so these
 * are an estimate: exact if images are built on each other, otherwise spread evenly. An image with unknown layers counts
 * with its nominal size.
 */
export function openLedger(images: readonly Image[], details: ReadonlyMap<string, ImageDetails>): LayerLedger {
  const paths = layOut(images, details);
  const pathOf = ({ id }: Image) => paths.get(id) ?? [];
  weigh(images, pathOf, details);
  const asked = new Set<Image>();
  return {
    remove: (image) => {
      const wasAsked = asked.delete(image);
      for (const layer of pathOf(image)) {
        layer.holders--;
        if (wasAsked) layer.asked--;
      }
      return sum(pathOf(image).filter(({ holders }) => holders === 0));
    },
    ask: (image) => {
      const path = pathOf(image);
      asked.add(image);
      for (const layer of path) layer.asked++;
      path.at(-1)?.waiting.push(image);
      // An image with a layer also has the layers below it, so the layers that are removed are at the top of the path.
      const ready = path.toReversed().filter((layer) => layer.asked === layer.holders);
      return ready.flatMap(({ waiting }) => waiting.splice(0));
    },
  };
}

function layOut(images: readonly Image[], details: ReadonlyMap<string, ImageDetails>): ReadonlyMap<string, Path> {
  const layers = new Map<string, Layer>();
  const find = (key: string): Layer => {
    const known = layers.get(key);
    if (known !== undefined) return known;
    const layer = { number: layers.size, holders: 0, asked: 0, waiting: [], bytes: undefined };
    layers.set(key, layer);
    return layer;
  };
  return new Map(
    images.map((image) => {
      const { layers: digests = [], sharedBytes } = details.get(image.id) ?? {};
      return [image.id, digests.length === 0 ? standAlone(image, sharedBytes) : follow(digests, find)];
    }),
  );
}

/** The path of an image with unknown layers: a single layer that no other image has. */
function standAlone({ sizeBytes }: Image, sharedBytes = 0): Path {
  return [{ number: -1, holders: 1, asked: 0, waiting: [], bytes: sizeBytes - sharedBytes }];
}

function follow(digests: readonly string[], find: (key: string) => Layer): Path {
  const path: Layer[] = [];
  for (const digest of digests) path.push(find(`${digest} on ${path.at(-1)?.number}`));
  for (const layer of path) layer.holders++;
  return path;
}

/**
 * Sorts images with the fewest layers first, so that the sizes of base images are known first. Among equals the smallest
 * comes first, because the shared part is at most its size.
 */
function weigh(
  images: readonly Image[],
  pathOf: (image: Image) => Path,
  details: ReadonlyMap<string, ImageDetails>,
): void {
  const inOrder = images
    .filter((image) => pathOf(image).some(({ bytes }) => bytes === undefined))
    .toSorted((a, b) => pathOf(a).length - pathOf(b).length || a.sizeBytes - b.sizeBytes || (a.id < b.id ? -1 : 1));
  for (const image of inOrder) {
    const path = pathOf(image);
    const { sharedBytes } = details.get(image.id) ?? {};
    if (sharedBytes === undefined) {
      spread(image.sizeBytes, path);
    } else {
      spread(
        sharedBytes,
        path.filter(({ holders }) => holders > 1),
      );
      spread(
        image.sizeBytes - sharedBytes,
        path.filter(({ holders }) => holders === 1),
      );
    }
  }
}

/** Spreads the bytes that remain after the known layers over the unknown ones. */
function spread(bytes: number, path: Path): void {
  const unknown = path.filter((layer) => layer.bytes === undefined);
  let leftBytes = Math.max(0, bytes - sum(path));
  for (const [index, layer] of unknown.entries()) {
    layer.bytes = Math.floor(leftBytes / (unknown.length - index));
    leftBytes -= layer.bytes;
  }
}

function sum(layers: Path): number {
  return layers.reduce((total, { bytes = 0 }) => total + bytes, 0);
}
