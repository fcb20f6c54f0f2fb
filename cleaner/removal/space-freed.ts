import type { DiskUsage } from '../../contract/disk-usage.ts';

/**
 * The account of the space that removals free. Some filesystems and runtimes free it late: containerd removes snapshots in
 * the background, btrfs and zfs free blocks, and thin pools discard them.
 */
export type Space = {
  /** Expects this many bytes: the estimated share of a removed image. */
  expect(bytes: number): void;
  /** The expected bytes that are not yet free at this usage. Never negative. */
  comingBytes(usage: DiskUsage): number;
  /** The share of the expected bytes that is free, from 0 to 1; 1 if none are expected. */
  arrivedShare(usage: DiskUsage): number;
  /**
   * Expects no more bytes of earlier removals. For later ones, expects only the share that became free so far, because some
   * runtimes report other sizes than those on the disk.
   */
  writeOff(usage: DiskUsage): void;
};

/** Opens the account at the usage before the first removal. Writes of other processes count as not yet freed. */
export function openSpace(before: DiskUsage): Space {
  let start = before.usedBytes;
  let expected = 0;
  let yieldShare = 1;
  const freed = ({ usedBytes }: DiskUsage) => Math.max(0, start - usedBytes);
  const share = (usage: DiskUsage) => (expected <= 0 ? 1 : Math.min(1, freed(usage) / expected));
  return {
    expect: (bytes) => {
      expected += bytes * yieldShare;
    },
    comingBytes: (usage) => Math.max(0, expected - freed(usage)),
    arrivedShare: share,
    writeOff: (usage) => {
      yieldShare *= share(usage);
      start = usage.usedBytes;
      expected = 0;
    },
  };
}
