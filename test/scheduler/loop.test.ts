import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { Loop } from '../../scheduler/loop.ts';

/** The number of passes that a loop makes in so many milliseconds. */
async function countPasses(milliseconds: number, pass: (loop: Loop) => Date | undefined): Promise<number> {
  let passes = 0;
  const loop: Loop = new Loop(async () => {
    passes += 1;
    return pass(loop);
  });
  loop.trigger();
  await sleep(milliseconds);
  await loop.stop();
  expect(passes).toBeGreaterThan(0);
  return passes;
}

it.each([
  ['an appointment in the past', new Date(0)],
  ['an appointment that is no date', new Date(Number.NaN)],
])('%s makes no pass follow the other without a pause', async (_title, wakeAt) => {
  expect(await countPasses(500, () => wakeAt)).toBeLessThan(12);
});

it('changes during a pass lead to one more pass, and stop waits for the one in progress', async () => {
  const ends: number[] = [];
  const loop = new Loop(async () => {
    await sleep(100);
    ends.push(Date.now());
    return undefined;
  });
  loop.trigger();
  await sleep(100);
  for (let change = 0; change < 5; change += 1) loop.trigger();
  await sleep(120);
  await loop.stop();
  expect(ends).toHaveLength(2);
});

it('while changes keep coming, passes that are much work leave most of the CPU to others', async () => {
  const work = (loop: Loop) => {
    loop.trigger();
    const { user, system } = process.cpuUsage();
    for (let used = 0; used < 60_000; ) {
      const now = process.cpuUsage();
      used = now.user + now.system - user - system;
    }
    return undefined;
  };
  expect(await countPasses(1_000, work)).toBeLessThan(6);
});
