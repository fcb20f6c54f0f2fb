import { type FileHandle, open } from 'node:fs/promises';

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

async function collect(stream: AsyncIterable<Buffer | string>, maxBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.byteLength;
    if (length > maxBytes)
      throw new FileContentError(`it has more than ${maxBytes} bytes: divide it, or allow more with --max-size`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** Somebody who writes a file in place leaves a part of it to readers. */
async function refuseChange(file: FileHandle, before: { readonly mtimeMs: number }, bytesRead: number): Promise<void> {
  const { mtimeMs, size } = await file.stat();
  if (mtimeMs !== before.mtimeMs || size !== bytesRead)
    throw new FileContentError('it changed while it was read: write a new file, and rename it to this name');
}
