import { gunzipSync, gzipSync } from 'node:zlib';
import * as z from 'zod';

/** The file beside a job with the references of one node, as its pod carries them in an annotation. */
export const boundReferencesFile = 'bound-references';

/** No list of references that anybody packs is as long, in bytes: what is longer is damaged. */
const maxUnpackedBytes = 256 * 1024 * 1024;

const referencesSchema = z.array(z.string());

/** Packed references that can't be read. Nobody may take them for none. */
export class PackedReferencesError extends Error {
  override readonly name = 'PackedReferencesError';
}

/** References as few bytes: a JSON array, compressed by gzip. References of one registry differ in little. */
export function packReferences(references: readonly string[]): Buffer {
  return gzipSync(JSON.stringify(references));
}

/** Reads what {@link packReferences} made, also as base64 text. Throws a {@link PackedReferencesError}. */
export function unpackReferences(packed: Buffer): string[] {
  try {
    const bytes = isGzip(packed) ? packed : Buffer.from(packed.toString('latin1'), 'base64');
    const text = gunzipSync(bytes, { maxOutputLength: maxUnpackedBytes }).toString('utf8');
    return referencesSchema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PackedReferencesError(`${packed.length} bytes are no packed list of references (${why})`, { cause });
  }
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b;
}
