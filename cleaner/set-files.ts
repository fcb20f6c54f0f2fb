import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { hasCode, messageOf } from '../contract/errors.ts';
import { maxSetBytes } from '../contract/images/image-set.ts';
import { addSizes, isTooLarge } from '../contract/images/set-sum.ts';
import type { Job } from '../contract/job.ts';
import type { FoundSet } from './sets/found-set.ts';
import { requireKnown } from './sets/known-set.ts';
import { limitSum, sizeOfSet } from './sets/limit-sum.ts';
import { namesOfSets } from './sets/policy-sets.ts';

/** Names that begin with these characters are those of the kubelet, not keys of a ConfigMap (`AtomicWriter`). */
const kubeletPrefix = '..';
/** The link of the kubelet to the directory with the current files. It replaces the link when the ConfigMap changes. */
const currentFiles = '..data';

/**
 * Reads the image sets of a job from a directory that has one directory for each set, with one file for each key. Returns those
 * that are there. A set that can't be read has a problem. Never rejects. Sets that are too large together are not all in memory
 * at any time.
 */
export async function readSetFiles(
  job: Pick<Job, 'images' | 'setTimes'>,
  directory: string | undefined,
): Promise<readonly FoundSet[]> {
  if (directory === undefined) return [];
  const found: FoundSet[] = [];
  let sum = addSizes([]);
  for (const name of namesOfSets(job)) {
    const mounted = await readSet(join(directory, name), name);
    if (mounted === undefined) continue;
    const set = requireKnown(mounted, job);
    sum = addSizes([sum, sizeOfSet(set)]);
    found.push(isTooLarge(sum) && !('problem' in set) ? { ...set, texts: [] } : set);
  }
  return limitSum(found, sum);
}

async function readSet(directory: string, name: string): Promise<FoundSet | undefined> {
  const read = async () => readKeys(await findCurrent(directory), name);
  try {
    // The kubelet may remove the files that it has just replaced.
    return await read().catch(read);
  } catch (error) {
    return hasCode(error, 'ENOENT', 'ENOTDIR') ? undefined : { name, problem: messageOf(error) };
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

/** Undefined without any key: a set that does not exist is mounted as an empty directory. */
async function readKeys(directory: string, name: string): Promise<FoundSet | undefined> {
  const keys = (await readdir(directory)).filter((key) => !key.startsWith(kubeletPrefix)).toSorted();
  if (keys.length === 0) return undefined;
  const files = await Promise.all(keys.map(async (key) => ({ key, file: await stat(join(directory, key)) })));
  const other = files.find(({ file }) => !file.isFile());
  if (other !== undefined) return { name, problem: `its key ${other.key} is not a file` };
  if (files.reduce((sum, { file }) => sum + file.size, 0) > maxSetBytes)
    return { name, problem: 'it is larger than 1 MiB' };
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
