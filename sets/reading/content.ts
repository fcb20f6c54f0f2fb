import type { SetEntry } from '../../contract/images/image-set.ts';
import { ContentError } from './content-error.ts';
import { readLines } from './lines.ts';
import { readReports } from './reports.ts';
import { type Criteria, selectImages } from './select.ts';

/** A text that begins so is JSON. The address of IPv6 in front of an image also begins with a bracket. */
const jsonStart = /^\s*(?:\{|\[\s*(?:[{\]]|$))/;

/**
 * Reads the images of a source: lines as in a set, or reports of scanners in JSON. Throws a {@link ContentError} if any part of the
 * content can't be read.
 */
export function readContent(bytes: Uint8Array, criteria: Criteria): readonly SetEntry[] {
  const text = decode(bytes);
  if (!jsonStart.test(text)) return readLines(text);
  return readReports(text).flatMap((report) => selectImages(report, criteria));
}

function decode(bytes: Uint8Array): string {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) throw new ContentError('it is compressed: unpack it first');
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ContentError('it is not UTF-8 text: convert it first', { cause });
  }
}
