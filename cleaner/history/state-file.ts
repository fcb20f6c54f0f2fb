import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../../contract/system-error.ts';

/** A file in the state directory that is no file of ours. */
export class StateFileError extends Error {
  override readonly name = 'StateFileError';
}

/**
 * Makes a directory and those above it. Unlike `mkdir` with `recursive`, which goes on for ever, it fails where one takes no
 * others though it is there, as below /proc.
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

/** Reads a text file; rejects with a {@link StateFileError} what is no regular file, or larger than `maxBytes`. */
export async function readSmallFile(path: string, maxBytes: number): Promise<string> {
  // A pipe that nobody writes to would keep us waiting.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new StateFileError(`${path} is no file`);
    if (stats.size > maxBytes) throw new StateFileError(`${path} is larger than ${maxBytes} bytes`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(stats.size), 0, stats.size, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

/**
 * Replaces a file by way of a draft beside it: a reader sees the old one or the new one, also after a crash. False where
 * `isWanted` says at the last moment that it isn't any more; then, as after an error, the old one stays.
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
