import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { PageTurns } from '../../scheduler/page-turns.ts';

function workFor(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

it('other work of the process goes on between pages, however many are asked for at once (H71)', async () => {
  const turns = new PageTurns();
  let ticks = 0;
  let isDone = false;
  const ticking = (async () => {
    while (!isDone) {
      await nextTurn();
      ticks += 1;
    }
  })();
  const ticksAt: number[] = [];
  await Promise.all(
    Array.from({ length: 5 }, () =>
      turns.take(() => {
        ticksAt.push(ticks);
        workFor(20);
      }),
    ),
  );
  isDone = true;
  await ticking;
  const between = ticksAt.slice(1).map((tick, index) => tick - (ticksAt[index] ?? 0));
  // Without a rest, there would be at most one turn of the event loop between two pages.
  for (const turnsBetween of between) expect(turnsBetween).toBeGreaterThan(1);
});

it('a page that can not be made does not keep the next one from its turn', async () => {
  const turns = new PageTurns();
  const broken = turns.take(() => {
    throw new Error('broken');
  });
  const next = turns.take(() => 'next');
  await expect(broken).rejects.toThrow('broken');
  expect(await next).toBe('next');
});

it('results come in the order of the questions', async () => {
  const turns = new PageTurns();
  const order: number[] = [];
  await Promise.all([1, 2, 3].map((number) => turns.take(() => order.push(number))));
  expect(order).toEqual([1, 2, 3]);
});
