import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';
import { messageOf } from './errors.ts';

/**
 * The names of the files with the references of one node: of the pods that are bound to it, and of image lists. They are in
 * the directory of the job, and come from annotations of the pod.
 */
export const boundReferencesFile = 'bound-references';
export const prepulledReferencesFile = 'prepulled-references';

/** The name of the file with the references of the images to remove from one node. It comes like {@link boundReferencesFile}. */
export const removeReferencesFile = 'remove-references';

/** Maximum length of a packed list in bytes. A longer list is damaged. */
const maxUnpackedBytes = 256 * 1024 * 1024;

const referencesSchema = z.array(z.string());

/** The error for packed references that can't be read. They must not count as an empty list. */
export class PackedReferencesError extends Error {
  override readonly name = 'PackedReferencesError';
}

/** Packs references into few bytes: a JSON array, compressed with gzip. References of one registry compress well. */
export function packReferences(references: readonly string[]): Buffer {
  return gzipSync(JSON.stringify(references));
}

/** Reads the result of {@link packReferences}, also as base64 text. Throws a {@link PackedReferencesError}. */
export function unpackReferences(packed: Buffer): string[] {
  try {
    const bytes = isGzip(packed) ? packed : Buffer.from(packed.toString('latin1'), 'base64');
    const text = gunzipSync(bytes, { maxOutputLength: maxUnpackedBytes }).toString('utf8');
    return referencesSchema.parse(JSON.parse(text));
  } catch (cause) {
    const why = messageOf(cause);
    throw new PackedReferencesError(`${packed.length} bytes are not a packed list of references (${why})`, { cause });
  }
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
