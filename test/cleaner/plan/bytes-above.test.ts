import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesAbove, reaches } from '../../../cleaner/plan/bytes-above.ts';
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

  it('are the bytes that use the surplus inodes, if fewer inodes are left', () => {
    const usage = { capacityBytes: 64e6, usedBytes: 1.9e6, availableBytes: 62e6, inodes };
    expect(bytesAbove(85, usage)).toBeCloseTo((20 / 190) * 1.9e6);
  });

  it('are zero at exactly the percentage, on a disk of any size, and so are the inodes', () => {
    const percent = fc.integer({ min: 1, max: 99 });
    const size = fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 9e13 }));
    fc.assert(
      fc.property(percent, size, (percent, size) => {
        const at = (used: number): DiskUsage => {
          const capacityBytes = 100 * size;
          return { capacityBytes, usedBytes: used, availableBytes: capacityBytes - used };
        };
        const withInodes = (used: number): DiskUsage => ({
          ...at(0),
          usedBytes: 1,
          inodes: { capacity: 100 * size, free: 100 * size - used },
        });
        for (const usage of [at, withInodes]) {
          expect(bytesAbove(percent, usage(percent * size))).toBe(0);
          expect(bytesAbove(percent, usage(percent * size + 1))).toBeGreaterThan(0);
          expect(bytesAbove(percent, usage(percent * size - 1))).toBeLessThan(0);
          expect(reaches(percent, usage(percent * size))).toBe(true);
          expect(reaches(percent, usage(percent * size - 1))).toBe(false);
        }
      }),
    );
  });

  it('are exact to the byte if the percentage is not a whole number of bytes', () => {
    const whole = fc.record({
      percent: fc.integer({ min: 1, max: 99 }),
      capacityBytes: fc.integer({ min: 100, max: 9e15 }),
    });
    fc.assert(
      fc.property(whole, ({ percent, capacityBytes }) => {
        const used = Number((BigInt(capacityBytes) * BigInt(percent)) / 100n);
        const at = (usedBytes: number) => ({ capacityBytes, usedBytes, availableBytes: capacityBytes - usedBytes });
        expect(bytesAbove(percent, at(used))).toBeLessThanOrEqual(0);
        expect(bytesAbove(percent, at(used + 1))).toBeGreaterThan(0);
      }),
    );
  });

  it('are zero for a disk that cannot be measured, or without any used inode', () => {
    expect(reaches(1, { capacityBytes: 0, usedBytes: 0, availableBytes: 0 })).toBe(false);
    expect(
      reaches(1, { capacityBytes: 100, usedBytes: 0, availableBytes: 100, inodes: { capacity: 9, free: 9 } }),
    ).toBe(false);
  });

  it('are positive only if the usage is above the percentage', () => {
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
