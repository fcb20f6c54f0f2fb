import type { ImageUsage } from '../runtime/inventory.ts';

/** The images of a look, against which a later list of images is checked. */
export type Landmarks = {
  /** IDs of the used and pinned images, which no process removes. */
  readonly firm: ReadonlySet<string>;
  readonly all: ReadonlySet<string>;
};

/** The list of images lacks images that must be there, so it does not show which images are gone. */
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
 * Checks the IDs in a list of images against an earlier look. `asked` are the images whose removal was requested since. Other processes
 * may remove images too, but no used or pinned ones, and not all at once. Throws a {@link LostImagesError}.
 */
export function checkLandmarks({ firm, all }: Landmarks, present: ReadonlySet<string>, asked: Iterable<string>): void {
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
