import { expect, it } from 'vitest';
import { bytesAbove, usedPercent } from '../../../cleaner/plan/disk-usage.ts';

const disk = { capacityBytes: 1_000, usedBytes: 760, availableBytes: 190 };

it('the usage in percent leaves out what is reserved for root, as df does', () => {
  expect(usedPercent(disk)).toBe(80);
  expect(usedPercent({ capacityBytes: 0, usedBytes: 0, availableBytes: 0 })).toBe(0);
});

it.each([
  [60, 190],
  [80, 0],
  [90, -95],
])('bytes above %i %% are %i', (percent, bytes) => {
  expect(bytesAbove(percent, disk)).toBeCloseTo(bytes);
});
