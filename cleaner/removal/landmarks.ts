import type { ImageUsage } from '../runtime/inventory.ts';
import type { Image } from '../runtime/runtime.ts';

/** The images that a look at a node has shown, kept to tell whether a later one can be right. */
export type Landmarks = {
  /** IDs of images that nobody removes: those that are used or pinned. */
  readonly firm: ReadonlySet<string>;
  readonly all: ReadonlySet<string>;
};

/** The list of images lacks some that must be there: it says nothing of what is gone. */
export class LostImagesError extends Error {
  override readonly name = 'LostImagesError';
}

export function takeLandmarks({ images, inUse }: Pick<ImageUsage, 'images' | 'inUse'>): Landmarks {
  return {
    firm: new Set(images.filter(({ id, pinned }) => pinned || inUse.has(id)).map(({ id }) => id)),
    all: new Set(images.map(({ id }) => id)),
  };
}

/**
 * Checks a list of images against what a look showed before `asked` were to go. Others may remove images at the same time,
 * but none that is used or pinned, and hardly all at once. Throws a {@link LostImagesError}.
 */
export function checkLandmarks({ firm, all }: Landmarks, images: readonly Image[], asked: Iterable<string>): void {
  const present = new Set(images.map(({ id }) => id));
  const wanted = new Set(asked);
  const lost = [...firm].filter((id) => !present.has(id) && !wanted.has(id));
  if (lost.length > 0) {
    throw new LostImagesError(`the list of images lacks ${lost.length} that are used or pinned, such as ${lost[0]}`);
  }
  const others = [...all].filter((id) => !wanted.has(id));
  if (others.length > 0 && !others.some((id) => present.has(id))) {
    throw new LostImagesError(`the list of images lacks all ${others.length} that nobody asked to remove`);
  }
}
