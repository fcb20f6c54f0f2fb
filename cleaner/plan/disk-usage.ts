/** Blocks and inodes of a filesystem. */
export type DiskUsage = {
  readonly capacityBytes: number;
  /** Used bytes, for reports. */
  readonly usedBytes: number;
  /** Bytes that are available to ordinary users: fewer than the free bytes if a part is reserved for root. */
  readonly availableBytes: number;
  /** Absent if the filesystem creates inodes on demand (btrfs). */
  readonly inodes?: { readonly capacity: number; readonly free: number };
};

/**
 * The usage of bytes or of inodes in percent, whichever is greater. It is the kubelet's measure: everything that is not
 * available counts as used, including blocks reserved for root, so that a threshold means the same for both.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/images/image_gc_manager.go `GarbageCollect`
 */
export function usedPercent(usage: DiskUsage): number {
  return Math.max(usedBytesPercent(usage), usedInodesPercent(usage));
}

/**
 * The number of bytes to free until usage is at `percent`; zero or negative if it is there already. If inodes are scarcer,
 * these are the bytes that hold the inodes on average, because the number of inodes of an image is unknown.
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
