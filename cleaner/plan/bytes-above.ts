import type { DiskUsage } from '../../contract/disk-usage.ts';

/**
 * The number of bytes to free until usage is at `percent`; zero if it is there exactly, negative if it is below. If inodes are
 * scarcer, these are the bytes that hold the inodes on average, because the number of inodes of an image is unknown.
 */
export function bytesAbove(percent: number, usage: DiskUsage): number {
  return Math.max(excessBytes(percent, usage), bytesOfExcessInodes(percent, usage));
}

/** True if usage is at or above `percent`. It decides exactly, other than a comparison with `usedPercent`. */
export function reaches(percent: number, usage: DiskUsage): boolean {
  return usage.capacityBytes > 0 && bytesAbove(percent, usage) >= 0;
}

function excessBytes(percent: number, { capacityBytes, availableBytes }: DiskUsage): number {
  return excessOf(percent, capacityBytes, capacityBytes - availableBytes);
}

function bytesOfExcessInodes(percent: number, { usedBytes, inodes }: DiskUsage): number {
  if (inodes === undefined) return Number.NEGATIVE_INFINITY;
  const used = inodes.capacity - inodes.free;
  const excess = excessOf(percent, inodes.capacity, used);
  return used === 0 ? Number.NEGATIVE_INFINITY : (excess / used) * Math.max(usedBytes, 1);
}

/**
 * The part of `used` above `percent` of `capacity`. The hundreds of the capacity count in whole numbers, so that the sign is
 * exact for all whole numbers: with `percent / 100` a usage at exactly 58 % would be above 58 %.
 */
function excessOf(percent: number, capacity: number, used: number): number {
  const hundreds = Math.floor(capacity / 100);
  const rest = capacity - hundreds * 100;
  return used - hundreds * percent - (rest * percent) / 100;
}
