import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../../contract/errors.ts';

/** A file in the state directory that can't be a file of nodesweep. */
export class StateFileError extends Error {
  override readonly name = 'StateFileError';
}

/**
 * Creates a directory and its parents. It fails in a directory that accepts no entries, such as /proc, where `mkdir` with
 * `recursive` never ends.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await makeOne(path);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(path) === path) throw error;
    await makeDirectory(dirname(path));
    await makeOne(path);
  }
}

/** Reads a text file. Rejects with a {@link StateFileError} if it is not a regular file, or larger than `maxBytes`. */
export async function readSmallFile(path: string, maxBytes: number): Promise<string> {
  // Opening a pipe without a writer would block.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new StateFileError(`${path} is not a regular file`);
    if (stats.size > maxBytes) throw new StateFileError(`${path} is larger than ${maxBytes} bytes`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(stats.size), 0, stats.size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file through a draft in the same directory, so that a reader sees the old or the new file, also after a crash.
 * Returns false if `isWanted` is false just before the replacement. Then, and after an error, the old file stays.
 */
export async function replaceFile(
  path: string,
  draft: string,
  text: string,
  isWanted: () => boolean,
): Promise<boolean> {
  let isReplaced = false;
  try {
    await writeWhole(draft, text);
    if (isWanted()) {
      await rename(draft, path);
      isReplaced = true;
    }
  } finally {
    if (!isReplaced) await rm(draft, { force: true });
  }
  return isReplaced;
}

async function writeWhole(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o644);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function makeOne(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
  }
}
