import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import { ServerClock } from '../../../../scheduler/kubernetes/api/server-clock.ts';

afterEach(() => void vi.useRealTimers());

const httpDate = (ms: number) => new Date(Math.floor(ms / 1_000) * 1_000).toUTCString();
/** By how much a clock is ahead of an API server whose clock is `skewMs` ahead of this machine's, in milliseconds. */
const errorOf = (clock: ServerClock, skewMs: number) => clock.now().getTime() - (Date.now() + skewMs);

/** Lets the API server answer some requests, each of which takes so long. */
function answer(clock: ServerClock, skewMs: number, seconds: readonly number[]): void {
  for (const duration of seconds) {
    const sentAt = performance.now();
    vi.advanceTimersByTime((duration * 1_000) / 2);
    const date = httpDate(Date.now() + skewMs);
    vi.advanceTimersByTime((duration * 1_000) / 2);
    clock.observe(date, sentAt);
  }
}

it('gives the time of the API server to a second, however wrong the clock of this machine is and however slow answers are (H34)', () => {
  const skews = fc.integer({ min: -10_000_000, max: 10_000_000 });
  const durations = fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { maxLength: 20 });
  fc.assert(
    fc.property(skews, durations, (skewMs, seconds) => {
      vi.useFakeTimers({ now: 1_800_000_000_123 });
      const clock = new ServerClock();
      answer(clock, skewMs, [0.01, ...seconds]);
      expect(Math.abs(errorOf(clock, skewMs))).toBeLessThanOrEqual(1_011);
    }),
  );
});

it('a change of the clock of this machine changes nothing (H34)', () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  const clock = new ServerClock();
  answer(clock, 0, [0.01]);
  const before = clock.now().getTime();
  vi.setSystemTime(Date.now() - 3_600_000);
  expect(Math.abs(clock.now().getTime() - before)).toBeLessThan(1_000);
});

it('a change of the clock of the API server is followed when several answers agree, and is reported (H34)', () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  const clock = new ServerClock();
  const steps = vi.fn();
  clock.onStep(steps);
  answer(clock, 0, [0.01, 0.3, 0.2]);
  expect(steps).not.toHaveBeenCalled();
  answer(clock, 600_000, [0.01, 0.01]);
  expect(Math.abs(errorOf(clock, 0))).toBeLessThan(1_100);
  answer(clock, 600_000, [0.01]);
  expect(Math.abs(errorOf(clock, 600_000))).toBeLessThan(1_100);
  expect(steps).toHaveBeenCalledTimes(1);
});

it('one of several servers with a wrong clock is ignored (H34)', () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  const clock = new ServerClock();
  answer(clock, 0, [0.01]);
  for (let round = 0; round < 20; round += 1) {
    answer(clock, 900_000, [0.01]);
    answer(clock, 200, [0.01]);
  }
  expect(Math.abs(errorOf(clock, 0))).toBeLessThan(1_300);
});

it('answers without a date do not change the time of this machine', () => {
  vi.useFakeTimers({ now: 1_800_000_000_000 });
  const clock = new ServerClock();
  clock.observe(undefined, performance.now());
  clock.observe('nonsense', performance.now());
  vi.setSystemTime(1_900_000_000_000);
  expect(clock.now().getTime()).toBe(1_900_000_000_000);
});
