import * as z from 'zod';
import { cutText } from '../text.ts';
import { findGlobProblem } from './glob.ts';
import { isBareDigest } from './reference.ts';

/** An image that a set names. */
export type SetEntry = {
  /** A reference, a digest without a name (`sha256:…`), or a glob over full references, as in a policy. */
  readonly image: string;
  /** The reason for which the set names it. Absent if the set has none. */
  readonly reason?: string;
};

/** An entry with the number of its line, from 1. */
export type SetLine = SetEntry & { readonly line: number };

/** A line that names no image. The other lines count. */
export type SetProblem = { readonly line: number; readonly message: string };

/** Maximum size of a set in bytes, with all of its keys: that of a ConfigMap (`MaxSecretSize` in the Kubernetes API). */
export const maxSetBytes = 1024 * 1024;

/** Maximum length of a reason in UTF-16 code units. A longer one is cut, because reports and tables show it. */
const maxReasonLength = 200;
/** Maximum length of the text of a line that a message shows. */
const maxShownLength = 80;

/**
 * Reads the text of an image set: one image a line, `#` before a comment, and the reason behind an image, with or without `#`
 * between them. Without `#`, a reason can't start with a text that could be a second image.
 */
export function parseImageSet(text: string): {
  readonly entries: readonly SetLine[];
  readonly problems: readonly SetProblem[];
} {
  const entries: SetLine[] = [];
  const problems: SetProblem[] = [];
  for (const { line, content } of linesOf(text)) {
    const { image, mark, rest } = splitLine(content);
    const problem = findImageProblem(image) ?? findReasonProblem(mark, rest);
    if (problem !== undefined) problems.push({ line, message: `${cutText(image, maxShownLength)} ${problem}` });
    else entries.push({ line, image, ...(rest !== '' && { reason: cutText(rest, maxReasonLength) }) });
  }
  return { entries, problems };
}

/** The lines of a text that are neither empty nor a comment, one by one, because a large set has many. */
export function* linesOf(text: string): Generator<{ readonly line: number; readonly content: string }> {
  const lineEnd = /\r\n|\r|\n|$/g;
  // `trim` also removes the mark of the byte order.
  for (let line = 1, start = 0; start < text.length; line += 1) {
    lineEnd.lastIndex = start;
    const end = lineEnd.exec(text)?.index ?? text.length;
    const content = text.slice(start, end).trim();
    if (content !== '' && !content.startsWith('#')) yield { line, content };
    start = Math.max(lineEnd.lastIndex, end + 1);
  }
}

const timeSchema = z.iso.datetime({ offset: true });

/** Reads the time of an update (ISO 8601) in milliseconds since the epoch; undefined if it is missing or malformed. */
export function parseSetTime(text: string | undefined): number | undefined {
  const time = timeSchema.safeParse(text).data;
  return time === undefined ? undefined : Date.parse(time);
}

/** Writes the text of an image set. `comments` are the lines at its beginning. The inverse of {@link parseImageSet}. */
export function formatImageSet(comments: readonly string[], entries: readonly SetEntry[]): string {
  const lines = entries.map(({ image, reason }) => (reason === undefined ? image : `${image} # ${onOneLine(reason)}`));
  return [...comments.map((comment) => `# ${onOneLine(comment)}`), ...lines, ''].join('\n');
}

function splitLine(content: string): { readonly image: string; readonly mark: string; readonly rest: string } {
  const [, image = '', mark = '', rest = ''] = /^(\S+)\s*(#?)\s*(.*)$/u.exec(content) ?? [];
  return { image, mark, rest: onOneLine(rest) };
}

function findImageProblem(image: string): string | undefined {
  if (isBareDigest(image)) return undefined;
  if (/^sha\d+:/i.test(image)) return 'is a malformed digest; write sha256: and 64 hexadecimal digits';
  return findGlobProblem(image);
}

/** Two images in one line are a mistake: the second one would have no effect. */
function findReasonProblem(mark: string, rest: string): string | undefined {
  const [first = ''] = rest.split(' ');
  if (mark !== '' || !/[/@*]|:\S/.test(first)) return undefined;
  return `is followed by ${cutText(first, maxShownLength)}: write one image a line, or # before a reason`;
}

/** A text without line ends and other control characters. */
function onOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029\s]+/gu, ' ').trim();
}
