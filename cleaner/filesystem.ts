import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hasCode } from '../contract/system-error.ts';
import { type DiskUsage, usedPercent } from './plan/disk-usage.ts';
import type { Runtime } from './runtime/runtime.ts';

/**
 * Measures the filesystem that a directory is on, or would be if it were made: on a full disk it can't be made before
 * something is removed.
 */
export async function measureDisk(directory: string): Promise<DiskUsage> {
  const usage = await readUsageIfThere(directory);
  if (usage !== undefined) return usage;
  const parent = dirname(directory);
  return parent === directory ? readUsage(directory) : measureDisk(parent);
}

/**
 * Measures the filesystem with the images, and makes nothing: of those that the runtime names, the fullest that is on this
 * machine; where none is, the one that `directory` is on, or would be.
 */
export async function measureImageDisk(
  runtime: Pick<Runtime, 'getImageFilesystems'>,
  directory: string,
): Promise<DiskUsage> {
  const mountpoints = await runtime.getImageFilesystems();
  const usages = (await Promise.all(mountpoints.map(readUsageIfThere))).filter((usage) => usage !== undefined);
  const [fullest] = usages.toSorted((a, b) => usedPercent(b) - usedPercent(a));
  return fullest ?? measureDisk(directory);
}

async function readUsageIfThere(path: string): Promise<DiskUsage | undefined> {
  try {
    return await readUsage(path);
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function readUsage(path: string): Promise<DiskUsage> {
  const { bsize, blocks, bfree, bavail } = await statfs(path);
  return { capacityBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, availableBytes: bavail * bsize };
}
