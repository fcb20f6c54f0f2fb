import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Dispatcher, type Next } from '../../scheduler/dispatcher.ts';
import { currentFlow } from '../../scheduler/flow.ts';

afterEach(() => void vi.useRealTimers());

/** Lets nothing else happen for so long. */
function compute(milliseconds: number): void {
  const endsAt = performance.now() + milliseconds;
  while (performance.now() < endsAt);
}

/** Works until so much CPU time is used, however long that takes beside others. */
function useCpu(milliseconds: number): void {
  for (const before = process.cpuUsage(); ; ) {
    const { user, system } = process.cpuUsage(before);
    if (user + system >= milliseconds * 1_000) return;
  }
}

/** A dispatcher that works on keys, and the keys in the order in which the work on them began. */
function dispatch(keys: readonly string[], workOn: (key: string, times: number) => Promise<Next>) {
  const begun: string[] = [];
  const times = (key: string) => begun.filter((other) => other === key).length;
  const dispatcher = new Dispatcher({
    keys: () => keys,
    workOn: (key) => {
      begun.push(key);
      return workOn(key, times(key));
    },
  });
  onTestFinished(() => void dispatcher.stop());
  return { dispatcher, begun, times };
}

describe('a key', () => {
  it.each([
    ['an appointment in the past', -100_000],
    ['an appointment that is no number', Number.NaN],
  ])('with %s is not processed without a pause (H32)', async (_title, next) => {
    const { dispatcher, begun } = dispatch(['a'], async () => next);
    dispatcher.trigger();
    await sleep(500);
    expect(begun.length).toBeGreaterThan(0);
    expect(begun.length).toBeLessThan(12);
  });

  it('is processed again after a change, and never twice at the same time; stop waits for the current work', async () => {
    const ends: number[] = [];
    let atOnce = 0;
    const { dispatcher } = dispatch(['a'], async () => {
      atOnce += 1;
      expect(atOnce).toBe(1);
      await sleep(100);
      atOnce -= 1;
      ends.push(performance.now());
      return undefined;
    });
    dispatcher.trigger();
    await sleep(100);
    for (let change = 0; change < 5; change += 1) dispatcher.trigger();
    await sleep(120);
    await dispatcher.stop();
    expect(ends).toHaveLength(2);
  });

  it('that no longer exists is forgotten, and is processed again after the next change', async () => {
    const keys = ['a'];
    const { dispatcher, begun } = dispatch(keys, async () => (keys.length === 0 ? 'Gone' : undefined));
    dispatcher.trigger();
    await vi.waitFor(() => expect(begun).toHaveLength(1));
    keys.length = 0;
    dispatcher.trigger();
    await vi.waitFor(() => expect(begun).toHaveLength(2));
    dispatcher.trigger();
    await sleep(150);
    expect(begun).toHaveLength(2);
    keys.push('a');
    dispatcher.trigger();
    await vi.waitFor(() => expect(begun).toHaveLength(3));
  });

  it('is processed as a flow of its own', async () => {
    const flows: string[] = [];
    const { dispatcher } = dispatch(['a', 'b'], async () => {
      await sleep(1);
      flows.push(currentFlow());
      return undefined;
    });
    dispatcher.trigger();
    await vi.waitFor(() => expect(flows).toEqual(['a', 'b']));
  });
});

describe('a key with a problem', () => {
  it.each([
    ['waits', () => sleep(60_000, undefined, { ref: false })],
    ['is repeated all the time', async () => {}],
    ['uses the CPU', async () => compute(200)],
  ])('that %s delays no other key by more than a second (H32)', async (_title, work) => {
    const lateness: number[] = [];
    let dueAt = 0;
    const { dispatcher } = dispatch(['trouble', 'good'], async (key) => {
      if (key === 'trouble') {
        await work();
        return 0;
      }
      if (dueAt > 0) lateness.push(performance.now() - dueAt);
      dueAt = performance.now() + 300;
      return 300;
    });
    dispatcher.trigger();
    await vi.waitFor(() => expect(lateness.length).toBeGreaterThanOrEqual(5), { timeout: 20_000 });
    expect(Math.max(...lateness)).toBeLessThan(1_000);
  });

  it('does not block the event loop: it runs between two keys (H32)', async () => {
    const many = Array.from({ length: 100 }, (_, index) => `key-${index}`);
    const { dispatcher, begun } = dispatch(many, async () => {
      compute(10);
      return undefined;
    });
    dispatcher.trigger();
    let longest = 0;
    for (let last = performance.now(); begun.length < many.length; last = performance.now()) {
      await new Promise((resolve) => setImmediate(resolve));
      longest = Math.max(longest, performance.now() - last);
    }
    expect(longest).toBeLessThan(500);
  });

  it('does not delay a key that is due, even if many changed keys wait before it (H32)', async () => {
    const many = Array.from({ length: 50 }, (_, index) => `key-${index}`);
    const { dispatcher, begun } = dispatch(['due', ...many], async (key) => {
      compute(key === 'due' ? 0 : 20);
      return key === 'due' ? 100 : undefined;
    });
    dispatcher.trigger();
    await vi.waitFor(() => expect(begun.length).toBeGreaterThan(55), { timeout: 20_000 });
    expect(begun.indexOf('due', 1)).toBeLessThan(45);
  });
});

it('leaves most of the CPU to others while changes arrive continuously', async () => {
  const { dispatcher, times } = dispatch(['a'], async () => {
    dispatcher.trigger();
    useCpu(60);
    return undefined;
  });
  dispatcher.trigger();
  await sleep(1_000);
  expect(times('a')).toBeLessThan(6);
});

it('a clock change by an hour in either direction changes nothing, because waiting uses another clock (H34)', async () => {
  const { dispatcher, begun } = dispatch(['a'], async () => 100);
  dispatcher.trigger();
  await sleep(200);
  vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() - 3_600_000);
  onTestFinished(() => void vi.restoreAllMocks());
  const before = begun.length;
  await sleep(500);
  dispatcher.trigger();
  await sleep(100);
  expect(begun.length - before).toBeGreaterThanOrEqual(4);
});
