import type { DiskUsage } from '../plan/disk-usage.ts';

/**
 * The account of the space that removals free. Some filesystems and runtimes give it back late (containerd removes
 * snapshots in the background, btrfs and zfs free blocks, and thin pools discard them): until then it is on its way.
 */
export type Space = {
  /** Counts on so many bytes: the likely share of an image that has gone. */
  expect(bytes: number): void;
  /** The bytes still to come at this usage: what was counted on, less what is there. Never negative. */
  comingBytes(usage: DiskUsage): number;
  /** The share of what was counted on that is there, from 0 to 1; 1 where nothing was. */
  arrivedShare(usage: DiskUsage): number;
  /**
   * Counts on nothing more of what was removed so far. Of what goes from now on, only the share is counted on that came of
   * that: some runtimes tell other sizes than those on the disk.
   */
  writeOff(usage: DiskUsage): void;
};

/** Opens the account at a usage before anything was removed. What others write meanwhile counts as not yet freed. */
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
