import { formatImageSet, parseImageSet, type SetEntry } from '../contract/images/image-set.ts';
import { compareNames } from '../contract/text.ts';

/** The maximum size of the data of a ConfigMap, in bytes (`MaxSecretSize` of k8s.io/kubernetes/pkg/apis/core). */
export const maxDataBytes = 1024 * 1024;

/** The content can't be stored as an image set. */
export class SetContentError extends Error {
  override readonly name = 'SetContentError';
}

/** Sorts entries by image. If several entries name the same image, the first of them stays. */
export function normaliseEntries(entries: readonly SetEntry[]): readonly SetEntry[] {
  const firsts = new Map<string, SetEntry>();
  for (const entry of entries) if (!firsts.has(entry.image)) firsts.set(entry.image, entry);
  return [...firsts.values()].toSorted((one, other) => compareNames(one.image, other.image));
}

/**
 * Writes the text of a set. It depends only on the entries and the source, so that an equal text means an equal set. Throws a
 * {@link SetContentError} if the text would not be read back as it is meant, or is too large.
 */
export function formatSet(source: string, entries: readonly SetEntry[]): string {
  const text = formatImageSet([`Written by nodesweep from ${source}. Changes by hand are lost.`], entries);
  refuseUnreadable(text, entries);
  const bytes = Buffer.byteLength(text);
  if (bytes > maxDataBytes)
    throw new SetContentError(
      `the text of ${entries.length} images has ${bytes} bytes, and a ConfigMap holds at most ${maxDataBytes}: select fewer images, or divide them among several sets`,
    );
  return text;
}

/** An image with a line end in its name would become two entries. */
function refuseUnreadable(text: string, entries: readonly SetEntry[]): void {
  const { entries: found, problems } = parseImageSet(text);
  const [problem] = problems;
  if (problem !== undefined)
    throw new SetContentError(`the source names something that is no image: ${problem.message}`);
  const wrong = entries.find(({ image }, index) => image !== found[index]?.image);
  if (wrong !== undefined || found.length !== entries.length)
    throw new SetContentError(`the source names something that is no image: ${JSON.stringify(wrong?.image ?? '')}`);
}
