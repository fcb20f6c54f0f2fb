import { describe, expect, it } from 'vitest';
import { type DiskUsage, isOverlay, usageOf, usedPercent } from '../../contract/disk-usage.ts';

const disk: DiskUsage = { capacityBytes: 1_000, usedBytes: 760, availableBytes: 190 };
const inodes = { capacity: 200, free: 10 };

describe('the usage in percent (H14)', () => {
  it('is the part of the capacity that is not available, as for the kubelet: blocks reserved for root count as used', () => {
    expect(usedPercent(disk)).toBeCloseTo(81);
    expect(usedPercent({ capacityBytes: 0, usedBytes: 0, availableBytes: 0 })).toBe(0);
  });

  it('is that of the inodes if fewer of these are left', () => {
    expect(usedPercent({ ...disk, inodes })).toBeCloseTo(95);
    expect(usedPercent({ ...disk, inodes: { capacity: 200, free: 190 } })).toBeCloseTo(81);
  });
});

describe('the answer of statfs', () => {
  const answer = { type: 0xef53, bsize: 4_096, blocks: 1_000, bfree: 300, bavail: 250, files: 500, ffree: 100 };

  it('becomes the usage in bytes and inodes: space reserved for root is neither used nor available', () => {
    expect(usageOf(answer)).toEqual({
      capacityBytes: 4_096_000,
      usedBytes: 2_867_200,
      availableBytes: 1_024_000,
      inodes: { capacity: 500, free: 100 },
    });
    expect(usageOf({ ...answer, files: 0, ffree: 0 })).not.toHaveProperty('inodes');
  });

  it('distinguishes the root of a container on overlayfs from a filesystem of another type', () => {
    expect(isOverlay({ type: 0x794c7630 })).toBe(true);
    expect(isOverlay(answer)).toBe(false);
  });
});
