import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, messageOf } from '../contract/errors.ts';
import { maxSetBytes } from '../contract/image-set.ts';
import type { FoundSet } from './sets/found-set.ts';

/** Names that begin with these characters are those of the kubelet, not keys of a ConfigMap (`AtomicWriter`). */
const kubeletPrefix = '..';
/** The link of the kubelet to the directory with the current files. It replaces the link when the ConfigMap changes. */
const currentFiles = '..data';

/**
 * Reads image sets from a directory that has one directory for each set, with one file for each key. A set that can't be read
 * has a problem. Never rejects.
 */
export async function readSetFiles(
  directory: string | undefined,
  names: readonly string[],
): Promise<readonly FoundSet[]> {
  if (directory === undefined) return [];
  return Promise.all(names.map((name) => readSet(join(directory, name), name)));
}

async function readSet(directory: string, name: string): Promise<FoundSet> {
  const read = async () => readKeys(await findCurrent(directory), name);
  try {
    // The kubelet may remove the files that it has just replaced.
    return await read().catch(read);
  } catch (error) {
    return { name, problem: describeError(error) };
  }
}

/** The directory with the files of one moment: if the kubelet replaces them now, all are of the same ConfigMap. */
async function findCurrent(directory: string): Promise<string> {
  try {
    return await realpath(join(directory, currentFiles));
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return directory;
    throw error;
  }
}

async function readKeys(directory: string, name: string): Promise<FoundSet> {
  const keys = (await readdir(directory)).filter((key) => !key.startsWith(kubeletPrefix)).toSorted();
  if (keys.length === 0) return { name, problem: `${missing}, or it has no keys` };
  const files = await Promise.all(keys.map(async (key) => ({ key, file: await stat(join(directory, key)) })));
  const other = files.find(({ file }) => !file.isFile());
  if (other !== undefined) return { name, problem: `its key ${other.key} is not a file` };
  if (files.reduce((sum, { file }) => sum + file.size, 0) > maxSetBytes) return { name, problem: tooLarge };
  const texts = await Promise.all(keys.map(async (key) => ({ key, text: await readText(join(directory, key), key) })));
  const updatedAt = Math.max(...files.map(({ file }) => file.mtimeMs));
  return { name, texts, updatedAt };
}

async function readText(path: string, key: string): Promise<string> {
  const bytes = await readFile(path);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new Error(`its key ${key} is not UTF-8 text`, { cause });
  }
}

const missing = 'there is no such image set';
const tooLarge = 'it is larger than 1 MiB';

function describeError(error: unknown): string {
  return hasCode(error, 'ENOENT', 'ENOTDIR') ? missing : messageOf(error);
}
