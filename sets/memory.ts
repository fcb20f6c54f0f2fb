import { gunzipSync, gzipSync } from 'node:zlib';
import { messageOf } from '../contract/errors.ts';
import { maxDataBytes, SetContentError } from './content.ts';

/** The limit protects a producer from a damaged or malicious memory. */
const maxUnpackedBytes = 64 * 1024 * 1024;

/** Packs the memory of a source. Throws a {@link SetContentError} if it is too large for a ConfigMap. */
export function packMemory(memory: Uint8Array): Uint8Array {
  const packed = gzipSync(memory, { level: 9 });
  if (memory.byteLength > maxUnpackedBytes || packed.byteLength > maxDataBytes)
    throw new SetContentError(
      `the producer must remember ${packed.byteLength} bytes for its next look, and a ConfigMap holds at most ${maxDataBytes}: select fewer images, or divide them among several sets`,
    );
  return packed;
}

/** Unpacks the memory of a source. Throws a {@link SetContentError} with the advice if it is damaged. */
export function unpackMemory(packed: Uint8Array, advice: string): Uint8Array {
  try {
    return gunzipSync(packed, { maxOutputLength: maxUnpackedBytes });
  } catch (cause) {
    throw new SetContentError(`the memory of the producer is damaged (${messageOf(cause)}): ${advice}`, { cause });
  }
}
