import { parseImageSet, type SetEntry } from '../../contract/images/image-set.ts';
import { ContentError } from './content-error.ts';

/** The number of problems that a message shows. */
const maxShownProblems = 5;

/**
 * Reads lines of images. Throws a {@link ContentError} if any line names no image: it may be a page of a proxy, or be damaged, and
 * a set without the line would not be what its author means.
 */
export function readLines(text: string): readonly SetEntry[] {
  if (text.trim() === '')
    throw new ContentError('it is empty: write a line with a comment, such as "# none", if no image is meant');
  const { entries, problems } = parseImageSet(text);
  if (problems.length > 0) throw new ContentError(describeProblems(problems));
  return entries.map(({ image, reason }) => ({ image, ...(reason !== undefined && { reason }) }));
}

function describeProblems(problems: readonly { readonly line: number; readonly message: string }[]): string {
  const shown = problems.slice(0, maxShownProblems).map(({ line, message }) => `line ${line}: ${message}`);
  const more = problems.length - shown.length;
  return `${shown.join('; ')}${more > 0 ? `; and ${more} more lines` : ''}`;
}
