import type { DiskUsage } from '../../contract/disk-usage.ts';

/**
 * The number of bytes to free until usage is at `percent`; zero or negative if it is there already. If inodes are scarcer,
 * these are the bytes that hold the inodes on average, because the number of inodes of an image is unknown.
 */
export function bytesAbove(percent: number, usage: DiskUsage): number {
  return Math.max(excessBytes(percent, usage), bytesOfExcessInodes(percent, usage));
}

function excessBytes(percent: number, { capacityBytes, availableBytes }: DiskUsage): number {
  return capacityBytes - availableBytes - (percent / 100) * capacityBytes;
}

function bytesOfExcessInodes(percent: number, { usedBytes, inodes }: DiskUsage): number {
  if (inodes === undefined) return Number.NEGATIVE_INFINITY;
  const used = inodes.capacity - inodes.free;
  const excess = used - (percent / 100) * inodes.capacity;
  return used === 0 ? 0 : (excess / used) * Math.max(usedBytes, 1);
}
