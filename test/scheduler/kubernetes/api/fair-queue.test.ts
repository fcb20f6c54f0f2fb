import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { FairQueue } from '../../../../scheduler/kubernetes/api/fair-queue.ts';

beforeEach(() => void vi.useFakeTimers({ now: 1_800_000_000_000 }));
afterEach(() => void vi.useRealTimers());

/** A request that takes so long, and is written down when it is made. */
function request(made: string[], name: string, milliseconds: number) {
  return () => {
    made.push(name);
    return new Promise<void>((resolve) => setTimeout(resolve, milliseconds));
  };
}

it('requests are sent at the rate, after as many at once as the rate allows in ten seconds', async () => {
  const made: string[] = [];
  const queue = new FairQueue(5);
  for (let index = 0; index < 100; index += 1) void queue.run('a', request(made, 'a', 1));
  await vi.advanceTimersByTimeAsync(0);
  expect(made).toHaveLength(50);
  await vi.advanceTimersByTimeAsync(4_000);
  expect(made.length).toBeGreaterThanOrEqual(69);
  expect(made.length).toBeLessThanOrEqual(71);
});

it('flows take turns: one with many requests waiting delays no other (H32)', async () => {
  const made: string[] = [];
  const queue = new FairQueue(10);
  for (let index = 0; index < 1_000; index += 1) void queue.run('many', request(made, 'many', 1));
  await vi.advanceTimersByTimeAsync(1_000);
  const before = made.length;
  for (let index = 0; index < 5; index += 1) void queue.run('few', request(made, 'few', 1));
  await vi.advanceTimersByTimeAsync(200);
  expect(made.slice(before)).toContain('few');
  await vi.advanceTimersByTimeAsync(800);
  expect(made.slice(before).filter((name) => name === 'few').length).toBeGreaterThanOrEqual(4);
});

it('a flow without a request in progress is served, however many requests of others hang (H32)', async () => {
  const made: string[] = [];
  const queue = new FairQueue(1_000);
  for (const name of ['a', 'b', 'c', 'd', 'e', 'f'])
    for (let index = 0; index < 50; index += 1) void queue.run(name, request(made, name, 3_600_000));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(made.length).toBeLessThanOrEqual(106);
  const done = vi.fn();
  void queue.run('good', request(made, 'good', 10)).then(done);
  void queue.run('good', request(made, 'good', 10)).then(done);
  await vi.advanceTimersByTimeAsync(100);
  expect(done).toHaveBeenCalledTimes(2);
});

it('a request that fails frees its place', async () => {
  const queue = new FairQueue(1_000);
  for (let index = 0; index < 300; index += 1)
    await expect(queue.run('a', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await queue.run('a', async () => 'yes')).toBe('yes');
});

it('a clock change by an hour back delays no request (H34)', async () => {
  const made: string[] = [];
  const queue = new FairQueue(1);
  for (let index = 0; index < 12; index += 1) void queue.run('a', request(made, 'a', 1));
  vi.setSystemTime(Date.now() - 3_600_000);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(made).toHaveLength(12);
});
