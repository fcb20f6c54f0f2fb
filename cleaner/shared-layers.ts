import { createHash } from 'node:crypto';
import type { Image, ImageDetails } from './runtime.ts';

/** What goes when an image goes: the layers that no other image holds any more. */
export type LayerLedger = {
  /** Whether the removal of an image would free any of its layers, after all those that were removed here. */
  frees(image: Image): boolean;
  /** Removes an image from the ledger; returns the bytes of the layers that went with it. */
  remove(image: Image): number;
};

type Layer = { readonly bytes: number; holders: number };

/**
 * Opens a ledger of the layers of all images on a node. A runtime tells the sizes of images and not those of layers, so
 * these are an estimate: exact where images are built on one another, and what remains is spread evenly. An image whose
 * layers aren't known counts with its nominal size.
 */
export function openLedger(images: readonly Image[], details: ReadonlyMap<string, ImageDetails>): LayerLedger {
  const chains = new Map(images.map((image) => [image.id, chainIds(image, details.get(image.id))]));
  const layers = weighLayers(images, chains, details);
  const layersOf = ({ id }: Image) => (chains.get(id) ?? []).flatMap((chain) => layers.get(chain) ?? []);
  return {
    frees: (image) => layersOf(image).some(({ holders }) => holders === 1),
    remove: (image) => {
      const freed = layersOf(image).filter((layer) => --layer.holders === 0);
      return Math.round(freed.reduce((sum, { bytes }) => sum + bytes, 0));
    },
  };
}

/**
 * Snapshots are kept by the whole chain of layers below them, so equal content on different layers is there twice.
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
 */
function chainIds({ id }: Image, { layers = [] }: Partial<ImageDetails> = {}): readonly string[] {
  if (layers.length === 0) return [id];
  const chains: string[] = [];
  for (const layer of layers) {
    const parent = chains.at(-1);
    chains.push(parent === undefined ? layer : sha256(`${parent} ${layer}`));
  }
  return chains;
}

/** Those with the fewest layers first: what they weigh is known when images that are built on them are weighed. */
function weighLayers(
  images: readonly Image[],
  chains: ReadonlyMap<string, readonly string[]>,
  details: ReadonlyMap<string, ImageDetails>,
): ReadonlyMap<string, Layer> {
  const holders = countHolders(chains);
  const layers = new Map<string, Layer>();
  const lengthOf = ({ id }: Image) => chains.get(id)?.length ?? 0;
  for (const image of images.toSorted((a, b) => lengthOf(a) - lengthOf(b))) {
    const chain = chains.get(image.id) ?? [];
    const isShared = (layer: string) => (holders.get(layer) ?? 0) > 1;
    const { sharedBytes } = details.get(image.id) ?? {};
    const parts =
      sharedBytes === undefined
        ? [{ own: chain, bytes: image.sizeBytes }]
        : [
            { own: chain.filter(isShared), bytes: sharedBytes },
            { own: chain.filter((layer) => !isShared(layer)), bytes: image.sizeBytes - sharedBytes },
          ];
    for (const { own, bytes } of parts) spread(own, bytes, layers, holders);
  }
  return layers;
}

/** Gives what is left of the bytes, after the layers that are weighed already, to those that are not. */
function spread(
  chain: readonly string[],
  bytes: number,
  layers: Map<string, Layer>,
  holders: ReadonlyMap<string, number>,
): void {
  const known = chain.reduce((sum, layer) => sum + (layers.get(layer)?.bytes ?? 0), 0);
  const unknown = chain.filter((layer) => !layers.has(layer));
  const share = Math.max(0, bytes - known) / unknown.length;
  for (const layer of unknown) layers.set(layer, { bytes: share, holders: holders.get(layer) ?? 0 });
}

function countHolders(chains: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, number> {
  const holders = new Map<string, number>();
  for (const layer of [...chains.values()].flat()) holders.set(layer, (holders.get(layer) ?? 0) + 1);
  return holders;
}

function sha256(text: string): string {
  return `sha256:${createHash('sha256').update(text).digest('hex')}`;
}
