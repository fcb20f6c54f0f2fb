import fc from 'fast-check';
import { expect, it } from 'vitest';
import { doublingPauseMs } from '../../../scheduler/journal/doubling-pause.ts';

it.each([
  [1, 2_000],
  [2, 4_000],
  [3, 8_000],
  [5, 32_000],
  [6, 60_000],
  [7, 60_000],
])('after %i failures pauses for %i ms', (failures, pauseMs) => {
  expect(doublingPauseMs(failures, { firstMs: 2_000, maxMs: 60_000 })).toBe(pauseMs);
});

it('has the first pause without a failure', () => {
  expect(doublingPauseMs(0, { firstMs: 2_000, maxMs: 60_000 })).toBe(2_000);
});

it('never pauses longer than the maximum, and never shorter than after fewer failures', () => {
  const failures = fc.integer({ min: 0, max: 100_000 });
  fc.assert(
    fc.property(failures, failures, fc.integer({ min: 1, max: 10_000 }), (a, b, firstMs) => {
      const pauses = { firstMs, maxMs: 300_000 };
      const [fewer, more] = [Math.min(a, b), Math.max(a, b)].map((count) => doublingPauseMs(count, pauses));
      expect(more).toBeLessThanOrEqual(300_000);
      expect(more).toBeGreaterThanOrEqual(fewer ?? Number.NaN);
    }),
  );
});
