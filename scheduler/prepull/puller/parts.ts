import type { WantedImage } from '../wanted.ts';

/** The maximum number of images of one pod. */
export const maxImagesPerPod = 50;

/**
 * Splits the images of a node into the parts that one pod after the other pulls. A pod has one set of secrets, so images
 * with different secrets are in different parts. The order depends only on the images.
 */
export function partsOf(wanted: readonly WantedImage[]): readonly (readonly WantedImage[])[] {
  const sorted = wanted.toSorted((one, other) => one.index - other.index);
  const bySecrets = Map.groupBy(sorted, ({ secrets }) => secrets.join());
  return [...bySecrets.values()].flatMap(split);
}

function split(images: readonly WantedImage[]): readonly WantedImage[][] {
  const count = Math.ceil(images.length / maxImagesPerPod);
  return Array.from({ length: count }, (_, part) => images.slice(part * maxImagesPerPod, (part + 1) * maxImagesPerPod));
}
