import leven from 'leven';
import { indexImages } from '../../cleaner/runtime/image-index.ts';
import { normaliseRepository, splitReference } from '../../contract/images/reference.ts';
import type { PlannedImage } from '../../contract/plan-document.ts';
import { formatName, shortId } from '../output/plan-cells.ts';

/** No image, or more than one image, matches the text. The message names the candidates. */
export class ImageChoiceError extends Error {
  override readonly name = 'ImageChoiceError';
}

const maxShown = 5;
/** Maximum number of wrong letters in a name; at most half of its letters may be wrong. */
const maxMistakes = 3;

/**
 * Finds an image by any of its names, its ID, a digest, the beginning of an ID or a digest, or its repository if it has
 * only one image. Throws an {@link ImageChoiceError}.
 */
export function findImage(images: readonly PlannedImage[], text: string): PlannedImage {
  for (const find of [findExactly, findByRepository, findByBeginning]) {
    const found = find(images, text);
    const [first] = found;
    if (first === undefined) continue;
    if (found.length === 1) return first;
    throw new ImageChoiceError(`"${text}" matches ${found.length} images; choose one: ${listImages(found)}`);
  }
  const near = findNear(images, text);
  const advice = near.length > 0 ? `similar images: ${listImages(near)}` : '`nodesweep plan` lists all images';
  throw new ImageChoiceError(`"${text}" is not one of the ${images.length} images on the node; ${advice}`);
}

function findExactly(images: readonly PlannedImage[], text: string): readonly PlannedImage[] {
  const ids = indexImages(images, [text])([text]);
  return images.filter(({ id }) => ids.has(id));
}

/** `nginx` is `nginx:latest` or, if that tag does not exist, any image of the repository. */
function findByRepository(images: readonly PlannedImage[], text: string): readonly PlannedImage[] {
  const { repository, tag, digest } = splitReference(text);
  if (tag !== undefined || digest !== undefined) return [];
  const normalised = normaliseRepository(repository);
  return images.filter(({ names }) => names.some((name) => splitReference(name).repository === normalised));
}

/** Also matches the short forms of the table: `<none>@0123456789ab` and `nginx@sha256:0123456789ab`. */
function findByBeginning(images: readonly PlannedImage[], text: string): readonly PlannedImage[] {
  const [, before, beginning] = /^(?:(.+)@)?(?:sha256:)?([0-9a-f]{3,64})$/.exec(text) ?? [];
  if (beginning === undefined) return [];
  const isNameless = before === undefined || before === '<none>';
  const digest = `${isNameless ? '' : normaliseRepository(before)}@sha256:${beginning}`;
  return images.filter(
    ({ id, names }) =>
      (isNameless && id.replace(/^sha256:/, '').startsWith(beginning)) || names.some((name) => name.includes(digest)),
  );
}

/** Names that contain the text, or differ from it in a few letters. */
function findNear(images: readonly PlannedImage[], text: string): readonly PlannedImage[] {
  const typed = lastSegment(text);
  const allowed = Math.min(maxMistakes, Math.floor(typed.length / 2));
  const distanceTo = (name: string) => (name.includes(typed) ? 0 : leven(typed, lastSegment(name)));
  return images
    .map((image) => ({ image, distance: Math.min(...image.names.map(distanceTo)) }))
    .filter(({ distance }) => distance <= allowed)
    .toSorted((a, b) => a.distance - b.distance)
    .map(({ image }) => image);
}

function lastSegment(name: string): string {
  const { repository } = splitReference(name);
  return repository.slice(repository.lastIndexOf('/') + 1);
}

function listImages(images: readonly PlannedImage[]): string {
  const shown = images.slice(0, maxShown).map((image) => `${formatName(image)} (${shortId(image.id)})`);
  return [...shown, ...(images.length > maxShown ? [`and ${images.length - maxShown} more`] : [])].join(', ');
}
