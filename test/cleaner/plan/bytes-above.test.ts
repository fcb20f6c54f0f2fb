import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesAbove } from '../../../cleaner/plan/bytes-above.ts';
import { type DiskUsage, usedPercent } from '../../../contract/disk-usage.ts';

const disk: DiskUsage = { capacityBytes: 1_000, usedBytes: 760, availableBytes: 190 };
const inodes = { capacity: 200, free: 10 };

describe('the bytes above a percentage (N7, H14)', () => {
  it.each([
    [61, 200],
    [81, 0],
    [91, -100],
  ])('at %i %% are %i', (percent, bytes) => {
    expect(bytesAbove(percent, disk)).toBeCloseTo(bytes);
  });

  it('are those that hold as many inodes as are too many, where inodes are scarcer', () => {
    const usage = { capacityBytes: 64e6, usedBytes: 1.9e6, availableBytes: 62e6, inodes };
    expect(bytesAbove(85, usage)).toBeCloseTo((20 / 190) * 1.9e6);
  });

  it('are positive just where the usage is above the percentage', () => {
    const usages = fc
      .record({
        capacityBytes: fc.integer({ min: 1, max: 1e12 }),
        free: fc.double({ min: 0, max: 1, noNaN: true }),
        reserved: fc.double({ min: 0, max: 1, noNaN: true }),
        inodes: fc.option(
          fc
            .integer({ min: 1, max: 1e9 })
            .chain((capacity) =>
              fc.record({ capacity: fc.constant(capacity), free: fc.integer({ min: 0, max: capacity }) }),
            ),
          { nil: undefined },
        ),
      })
      .map(({ capacityBytes, free, reserved, inodes }): DiskUsage => {
        const freeBytes = Math.floor(capacityBytes * free);
        const availableBytes = Math.floor(freeBytes * reserved);
        return { capacityBytes, usedBytes: capacityBytes - freeBytes, availableBytes, ...(inodes && { inodes }) };
      });
    fc.assert(
      fc.property(usages, fc.integer({ min: 1, max: 100 }), (usage, percent) => {
        // At the very edge both are right, as they round differently.
        fc.pre(Math.abs(usedPercent(usage) - percent) > 1e-6);
        expect(bytesAbove(percent, usage) > 0).toBe(usedPercent(usage) > percent);
      }),
    );
  });
});
