import type { Container, Image } from './runtime.ts';

/** A problem for the report that does not prevent a decision about the other images. */
export type InventoryRemark = {
  readonly reason: 'ImageMissing' | 'ImageUnreadable' | 'ImageSizeUnknown' | 'ImageNotInspected';
  /** The objects, the problem, and what to do. */
  readonly message: string;
};

/** Describes containers whose image is not in the list. Somebody removed the image by force. */
export function describeMissingImages(containers: readonly Container[]): readonly InventoryRemark[] {
  if (containers.length === 0) return [];
  const shown = listSome(containers, ({ name, imageId, references }) => `${name} (${imageId ?? references[0]})`);
  const message = `the image of ${shown} is not in the list: somebody removed it while the container existed; pull the image again if the container must start again`;
  return [{ reason: 'ImageMissing', message }];
}

/** Describes the flaws of images in the list. */
export function describeFlaws(images: readonly Image[]): readonly InventoryRemark[] {
  return [...describeUnreadable(images), ...describeUnknownSizes(images)];
}

/** Describes images without details, which a runtime omits if it failed to read them. */
export function describeUninspected(images: readonly Image[]): readonly InventoryRemark[] {
  if (images.length === 0) return [];
  const shown = listSome(images, nameOf);
  const message = `can't inspect ${shown}: it counts as one of the newest of its repository, and shares no layers; if it is still on the node, pull it again or check it ("crictl inspecti", or "docker image inspect" on Docker Engine)`;
  return [{ reason: 'ImageNotInspected', message }];
}

function describeUnreadable(images: readonly Image[]): readonly InventoryRemark[] {
  const unreadable = images.filter(({ flaw }) => flaw?.kind === 'Unreadable');
  if (unreadable.length === 0) return [];
  const message = `can't read ${listSome(unreadable, describeFlaw)} in the list of images, so it is kept: check it on the node ("crictl images -o json", or "docker images" on Docker Engine)`;
  return [{ reason: 'ImageUnreadable', message }];
}

function describeUnknownSizes(images: readonly Image[]): readonly InventoryRemark[] {
  const unknown = images.filter(({ flaw }) => flaw?.kind === 'SizeUnknown');
  if (unknown.length === 0) return [];
  const message = `the runtime reports an impossible size for ${listSome(unknown, describeFlaw)}, which counts as 0 bytes: pull the image again, or check the log of the runtime`;
  return [{ reason: 'ImageSizeUnknown', message }];
}

function describeFlaw(image: Image): string {
  return `${nameOf(image)} (${image.flaw?.detail})`;
}

const maxNameLength = 100;

/** The name of an image. An odd ID may be anything. */
function nameOf({ id, names }: Image): string {
  return (names[0] ?? (id || 'an image without an ID')).slice(0, maxNameLength).toWellFormed();
}

const shownObjects = 3;

function listSome<T>(objects: readonly T[], describe: (object: T) => string): string {
  const shown = objects.slice(0, shownObjects).map(describe).join(', ');
  return objects.length > shownObjects ? `${shown} and ${objects.length - shownObjects} more` : shown;
}
