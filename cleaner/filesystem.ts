import { mkdir, statfs } from 'node:fs/promises';
import type { DiskUsage } from './disk-usage.ts';

/** Measures the filesystem that a directory is on; the directory is made if need be. */
export async function measureDisk(directory: string): Promise<DiskUsage> {
  await mkdir(directory, { recursive: true });
  const { bsize, blocks, bfree, bavail } = await statfs(directory);
  return { capacityBytes: blocks * bsize, usedBytes: (blocks - bfree) * bsize, availableBytes: bavail * bsize };
}
