/** Blocks and inodes of a filesystem. */
export type DiskUsage = {
  readonly capacityBytes: number;
  /** Bytes that are not free, for reports. */
  readonly usedBytes: number;
  /** Bytes that ordinary users can still write: less than the free ones where a part is reserved for root. */
  readonly availableBytes: number;
  /** Absent where the filesystem makes inodes as it needs them (btrfs). */
  readonly inodes?: { readonly capacity: number; readonly free: number };
};

/**
 * The usage in percent, of bytes or of inodes, whichever is greater. It is the kubelet's measure: all that is not available
 * counts as used, the part reserved for root too, so that one threshold means the same here and there.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/images/image_gc_manager.go `GarbageCollect`
 */
export function usedPercent(usage: DiskUsage): number {
  return Math.max(usedBytesPercent(usage), usedInodesPercent(usage));
}

/**
 * The number of bytes that have to go until usage is at `percent`; not positive where it is there already. Where inodes are the
 * scarcer, the bytes that hold as many inodes on average: nothing tells how many an image has.
 */
export function bytesAbove(percent: number, usage: DiskUsage): number {
  return Math.max(excessBytes(percent, usage), bytesOfExcessInodes(percent, usage));
}

function usedBytesPercent({ capacityBytes, availableBytes }: DiskUsage): number {
  return capacityBytes === 0 ? 0 : (1 - availableBytes / capacityBytes) * 100;
}

function usedInodesPercent({ inodes }: DiskUsage): number {
  return inodes === undefined ? 0 : (1 - inodes.free / inodes.capacity) * 100;
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
