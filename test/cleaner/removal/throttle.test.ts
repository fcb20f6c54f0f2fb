import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Resource } from '../../../cleaner/removal/pressure.ts';
import { createThrottle, type RestPorts } from '../../../cleaner/removal/throttle.ts';

/** A node on which tasks wait for a resource for a share of the time: ours while we work, and others at any time. */
class SimulatedPressure {
  nowMs = 0;
  othersShare: number;
  readonly #resource: Resource;
  readonly told: Parameters<RestPorts['onRest']>[0][] = [];
  #stalledMs = 0;
  #recentPercent = 0;

  constructor(othersShare: number, resource: Resource = 'io') {
    this.othersShare = othersShare;
    this.#resource = resource;
  }

  /** A batch of removals, during which everything waits for the disk. */
  work(ms: number): void {
    this.#pass(ms, 1);
  }

  readonly throttle = createThrottle({
    readPressure: async () => ({
      [this.#resource]: { recentPercent: this.#recentPercent, totalUs: this.#stalledMs * 1_000 },
    }),
    sleep: async (ms) => this.#pass(ms, this.othersShare),
    now: () => this.nowMs,
    onRest: (rest) => this.told.push(rest),
  });

  async restedMs(signal = new AbortController().signal): Promise<number> {
    const from = this.nowMs;
    await this.throttle(signal);
    return this.nowMs - from;
  }

  #pass(ms: number, share: number): void {
    this.nowMs += ms;
    this.#stalledMs += ms * share;
    this.#recentPercent += (share * 100 - this.#recentPercent) * (1 - Math.exp(-ms / 10_000));
  }
}

it('there is no pause if nobody waits', async () => {
  const node = new SimulatedPressure(0);
  expect(await node.restedMs()).toBe(0);
});

it('the writes of the kernel after a batch cause no pause if nobody waited before the first batch', async () => {
  const node = new SimulatedPressure(0);
  await node.throttle(new AbortController().signal);
  node.othersShare = 1;
  for (let batch = 0; batch < 100; batch++) {
    node.work(500);
    expect(await node.restedMs()).toBe(0);
  }
});

it('processes that stop waiting while no removal runs cost one short check at intervals', async () => {
  const node = new SimulatedPressure(0, 'memory');
  let restedMs = 0;
  for (let batch = 0; batch < 100; batch++) {
    restedMs += await node.restedMs();
    node.work(500);
  }
  expect(restedMs).toBeGreaterThan(0);
  expect(restedMs / node.nowMs).toBeLessThan(0.05);
  expect(node.told).toEqual([]);
});

it('other processes may begin to wait for memory at any time', async () => {
  const node = new SimulatedPressure(0, 'memory');
  await node.throttle(new AbortController().signal);
  node.othersShare = 1;
  node.work(10_000);
  expect(await node.restedMs()).toBe(5_000);
});

describe('other processes that always wait', () => {
  it('delay a batch for 5 s, and a run for a minute', async () => {
    const node = new SimulatedPressure(1);
    node.work(60_000);
    const rests: number[] = [];
    for (let batch = 0; batch < 50; batch++) {
      rests.push(await node.restedMs());
      node.work(3_000);
    }
    expect(rests.slice(0, 12)).toEqual(Array(12).fill(5_000));
    expect(rests.slice(12)).toEqual(Array(38).fill(0));
    expect(node.told).toHaveLength(12);
  });

  it('do not delay a run that is asked to stop', async () => {
    const node = new SimulatedPressure(1);
    node.work(60_000);
    expect(await node.restedMs(AbortSignal.abort())).toBe(0);
  });
});

it('a pause ends as soon as no other process waits', async () => {
  const node = new SimulatedPressure(1);
  node.work(60_000);
  const throttle = createThrottle({
    readPressure: async () => ({ io: { recentPercent: 90, totalUs: Math.min(node.nowMs, 61_000) * 1_000 } }),
    sleep: async (ms) => {
      node.nowMs += ms;
    },
    now: () => node.nowMs,
    onRest: (told) => node.told.push(told),
  });
  await throttle(new AbortController().signal);
  // Looks of 100, 500, 500 and 500 ms: the last one finds less than two fifths of the time stalled.
  expect(node.told).toEqual([{ restedMs: 1_600, resources: ['io'] }]);
});

it('there is no pause if nothing can be read', async () => {
  const throttle = createThrottle({
    readPressure: async () => ({}),
    sleep: () => Promise.reject(new Error('rested')),
    now: () => 0,
    onRest: () => undefined,
  });
  await expect(throttle(new AbortController().signal)).resolves.toBe(false);
});

it('a run pauses for at most a minute, whatever other processes do', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ workMs: fc.nat(20_000), others: fc.double({ min: 0, max: 1, noNaN: true }) })),
      async (batches) => {
        const node = new SimulatedPressure(0);
        let restedMs = 0;
        for (const { workMs, others } of batches) {
          node.othersShare = others;
          node.work(workMs);
          const rested = await node.restedMs();
          expect(rested).toBeLessThanOrEqual(5_000);
          restedMs += rested;
        }
        expect(restedMs).toBeLessThanOrEqual(60_000);
      },
    ),
  );
});
