import { expect, it } from 'vitest';
import { createGrowingDeadline } from '../../../cleaner/runtime/growing-deadline.ts';

/** A call that needs some seconds, and the deadlines that it got. */
function startCalls() {
  const given: number[] = [];
  const callWithin = createGrowingDeadline(30, 120);
  const call = (need: number) =>
    callWithin(
      async (seconds) => {
        given.push(seconds);
        return seconds >= need;
      },
      (isDone) => !isDone,
    );
  return { given, call };
}

it('a list that runs out of time gets twice the time, and later lists start with it (H12)', async () => {
  const { call, given } = startCalls();
  expect([await call(10), await call(50), await call(10)]).toEqual([true, true, true]);
  expect(given).toEqual([30, 30, 60, 60]);
});

it('a list gets no more time than the setting allows, and then ends without an answer (H12)', async () => {
  const { call, given } = startCalls();
  expect(await call(1_000)).toBe(false);
  expect(given).toEqual([30, 60, 120]);
});
