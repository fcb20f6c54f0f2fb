import { beforeEach, describe, expect, it } from 'vitest';
import { secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

describe('a run that has ended', () => {
  it('reports the sum of what the cleaners reported (C32)', async () => {
    await scheduler.completeRun();
    expect(scheduler.runs()[0]).toMatchObject({
      phase: 'Succeeded',
      reason: 'Completed',
      finishedAt: secondsLater(10),
    });
    const text = cluster.records.values().next().value?.data['run.yaml'];
    expect(text).toMatch(/succeeded: 3\n/);
    expect(text).toMatch(/removed: 9\n/);
    expect(text).toMatch(/freed: 900\n/);
    expect(cluster.events.at(-1)).toMatchObject({ type: 'Normal', reason: 'RunSucceeded' });
    expect(cluster.events.at(-1)?.message).toMatch(/3 of 3 nodes succeeded; 9 images removed, 900 B freed/);
  });

  it('of a dry run reports what it would have removed', async () => {
    scheduler.edit({ dryRun: true });
    await scheduler.pass(start);
    const images = { total: 9, inUse: 2, removed: 0, failed: 0, skipped: 0, unknown: 0, kept: 4 };
    cluster.finishPods({ outcome: 'DryRun', images, bytes: { freed: 0, nominal: 2048 } });
    await scheduler.pass(secondsLater(10));
    expect(cluster.events.at(-1)?.message).toMatch(/dry run: 15 images \(6 KiB\) would be removed/);
    expect(cluster.records.values().next().value?.data['run.yaml']).toMatch(/planned: 15\n/);
  });
});

it.each(['createRun', 'updateRun'] as const)(
  'a start and an end are reported once by event and metric, also when the answer to %s was lost (H40)',
  async (call) => {
    const observed: string[] = [];
    scheduler.observer = {
      observeStart: ({ phase }) => observed.push(phase),
      observeEnd: ({ phase }) => observed.push(phase),
      observeNode: () => {},
    };
    loseAnswer(call);
    await scheduler.pass(start);
    await scheduler.pass(secondsLater(2));
    cluster.finishPods();
    loseAnswer(call);
    for (const seconds of [4, 6, 8]) await scheduler.pass(secondsLater(seconds));
    const told = cluster.events.map(({ reason }) => reason).filter((reason) => reason.startsWith('Run'));
    expect(told).toEqual(['RunStarted', 'RunSucceeded']);
    expect(observed).toEqual(['Running', 'Succeeded']);
  },
);

/** The next call of this name takes effect, and fails all the same. */
function loseAnswer(call: 'createRun' | 'updateRun'): void {
  const original = cluster[call];
  Object.assign(cluster, {
    [call]: async (...args: unknown[]) => {
      Object.assign(cluster, { [call]: original });
      await Reflect.apply(original, cluster, args);
      throw new Error('the connection was lost');
    },
  });
}
