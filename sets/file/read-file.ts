import { type FileHandle, open } from 'node:fs/promises';
import { readLimited } from '../../contract/read-limited.ts';

/** A file is not complete, or too large. */
export class FileContentError extends Error {
  override readonly name = 'FileContentError';
}

/** Reads a file, or standard input with `-`. Rejects if it has more bytes than allowed, or changes meanwhile. */
export async function readWhole(path: string, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  if (path === '-') return collect(process.stdin, maxBytes);
  const file = await open(path);
  try {
    const before = await file.stat();
    const bytes = await collect(file.createReadStream({ autoClose: false, signal }), maxBytes);
    if (before.isFile()) await refuseChange(file, before, bytes.byteLength);
    return bytes;
  } finally {
    await file.close();
  }
}

async function collect(stream: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer> {
  const bytes = await readLimited(stream, maxBytes);
  if (bytes !== undefined) return bytes;
  throw new FileContentError(`it has more than ${maxBytes} bytes: divide it, or allow more with --max-size`);
}

/** Somebody who writes a file in place leaves a part of it to readers. */
async function refuseChange(file: FileHandle, before: { readonly mtimeMs: number }, bytesRead: number): Promise<void> {
  const { mtimeMs, size } = await file.stat();
  if (mtimeMs !== before.mtimeMs || size !== bytesRead)
    throw new FileContentError('it changed while it was read: write a new file, and rename it to this name');
}
