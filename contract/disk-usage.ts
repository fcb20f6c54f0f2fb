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

/** The answer of statfs(2) about a filesystem. */
export type Statfs = { readonly [key in 'type' | 'bsize' | 'blocks' | 'bfree' | 'bavail' | 'files' | 'ffree']: number };

/** A filesystem without blocks is not on a disk, such as /proc. */
export function usageOf({ bsize, blocks, bfree, bavail, files, ffree }: Omit<Statfs, 'type'>): DiskUsage {
  return {
    capacityBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    availableBytes: bavail * bsize,
    ...(files > 0 && { inodes: { capacity: files, free: ffree } }),
  };
}

/** https://github.com/torvalds/linux/blob/master/include/uapi/linux/magic.h `OVERLAYFS_SUPER_MAGIC` */
const overlayMagic = 0x794c7630;

/**
 * True for the root directory of a container on overlayfs. It has the usage of the filesystem on which the runtime keeps its
 * containers. The images are on it too, unless CRI-O keeps them on another.
 */
export function isOverlay({ type }: Pick<Statfs, 'type'>): boolean {
  return type === overlayMagic;
}

/**
 * The usage of bytes or of inodes in percent, whichever is greater. It is the kubelet's measure: everything that is not
 * available counts as used, including blocks reserved for root, so that a threshold means the same for both.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.0/pkg/kubelet/images/image_gc_manager.go `GarbageCollect`
 */
export function usedPercent(usage: DiskUsage): number {
  return Math.max(usedBytesPercent(usage), usedInodesPercent(usage));
}

function usedBytesPercent({ capacityBytes, availableBytes }: DiskUsage): number {
  return capacityBytes === 0 ? 0 : ((capacityBytes - availableBytes) * 100) / capacityBytes;
}

function usedInodesPercent({ inodes }: DiskUsage): number {
  return inodes === undefined ? 0 : ((inodes.capacity - inodes.free) * 100) / inodes.capacity;
}
