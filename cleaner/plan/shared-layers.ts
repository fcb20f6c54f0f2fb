import type { Image, ImageDetails } from '../runtime/runtime.ts';

/** Follows the layers of images: those that no other image holds any more. */
export type LayerLedger = {
  /** Removes an image; returns the bytes of the layers that went with it. */
  remove(image: Image): number;
  /**
   * Asks for an image to go as soon as that is of use. Returns the images to remove, in this order: none while others that
   * nobody asked for hold all of its layers, else this image and those that waited for it. Each frees a layer at its turn,
   * but for images of the very same layers, of which the last does.
   */
  ask(image: Image): readonly Image[];
};

/** A layer on those below it: equal content on different layers is there twice, as with the chain IDs of snapshots. */
type Layer = {
  readonly number: number;
  /** The number of images left that hold it, and how many of these were asked to go. */
  holders: number;
  asked: number;
  /** Those that were asked to go and whose topmost layer it is. */
  readonly waiting: Image[];
  bytes: number | undefined;
};

/** The layers of an image, lowest first. */
type Path = readonly Layer[];

/**
 * Opens a ledger of the layers of all images on a node. A runtime tells the sizes of images and not those of layers, so
 * these are an estimate: exact where images are built on one another, and what remains is spread evenly. An image whose
 * layers aren't known counts with its nominal size.
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
      // Whoever holds a layer holds those below it too: what goes with this image is some top part of its path.
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

/** The path of an image whose layers aren't known: one that nothing else is built on. */
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
 * Images with the fewest layers first, so that what they weigh is known when those that are built on them are weighed.
 * Among equals the smallest first: what it shares with others is no more than all of it.
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

/** Gives what is left of the bytes, after the layers that are weighed already, to those that are not. */
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
