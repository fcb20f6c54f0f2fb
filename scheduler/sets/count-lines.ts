import { maxSetBytes, parseImageSet } from '../../contract/images/image-set.ts';
import { compareNames, cutText } from '../../contract/text.ts';
import type { SetContent } from './image-set.ts';

type Values = Readonly<Record<string, string | undefined>>;

/** The texts of a set by key. A content that is no text is undefined. */
export type SetTexts = ReadonlyMap<string, string | undefined>;

/** The texts of the content of a ConfigMap. A value that is undefined is no text. */
export function textsOf(data: Values, binaryData: Values): SetTexts {
  return new Map<string, string | undefined>([
    ...Object.entries(data),
    ...Object.entries(binaryData).map(([key, base64]) => [key, decodeText(base64)] as const),
  ]);
}

/** The text in a binary value; undefined if it is not UTF-8. */
function decodeText(base64: string | undefined): string | undefined {
  if (base64 === undefined) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(base64, 'base64'));
  } catch {
    return undefined;
  }
}

/** The part of a text that is read in one step, in UTF-16 code units. It takes some milliseconds. */
const stepLength = 8_192;
const maxLineLength = 300;

const inOneKey = 'put the images under one key of its data, one a line';

/** Counts the lines of a set, in steps of some milliseconds, so that other work goes on between them. */
export function* countLines(texts: SetTexts): Generator<undefined, SetContent> {
  if (texts.size === 0) return { kind: 'Unreadable', cause: 'has no keys', advice: inOneKey };
  let bytes = 0;
  let entries = 0;
  let invalidLines = 0;
  let firstInvalid: string | undefined;
  for (const [key, text] of [...texts].sort(([one], [other]) => compareNames(one, other))) {
    if (text === undefined)
      return { kind: 'Unreadable', cause: `has the key ${key}, which is not text`, advice: inOneKey };
    bytes += Buffer.byteLength(text);
    if (bytes > maxSetBytes)
      return { kind: 'Unreadable', cause: 'is larger than 1 MiB', advice: 'divide it into several sets' };
    for (const { part, linesBefore } of partsOf(text)) {
      const { entries: lines, problems } = parseImageSet(part);
      const [first] = problems;
      if (first !== undefined)
        firstInvalid ??= cutText(`key ${key}, line ${linesBefore + first.line}: ${first.message}`, maxLineLength);
      entries += lines.length;
      invalidLines += problems.length;
      yield undefined;
    }
  }
  return { kind: 'Readable', bytes, entries, invalidLines, ...(firstInvalid !== undefined && { firstInvalid }) };
}

/** Parts of a text that end with a line, and the number of lines before each. */
function* partsOf(text: string): Generator<{ readonly part: string; readonly linesBefore: number }> {
  let linesBefore = 0;
  for (let start = 0; start < text.length; ) {
    const lineEnd = /\r\n|\r|\n/g;
    lineEnd.lastIndex = start + stepLength;
    const end = lineEnd.exec(text) === null ? text.length : lineEnd.lastIndex;
    const part = text.slice(start, end);
    yield { part, linesBefore };
    linesBefore += part.match(/\r\n|\r|\n/g)?.length ?? 0;
    start = end;
  }
}
