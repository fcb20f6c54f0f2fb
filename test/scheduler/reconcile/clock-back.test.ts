import { beforeEach, describe, expect, it } from 'vitest';
import { secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

const hour = 3_600;

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

/** Makes passes at the times that the scheduler asks for, for so many seconds. */
async function passesFor(seconds: number, from: Date): Promise<void> {
  const end = secondsLater(seconds, from);
  for (let at = from; at < end; at = (await scheduler.pass(at)) ?? end);
}

describe('after the clock of the API server has stepped back by an hour,', () => {
  it('a run goes on after its canary, and ends (H34)', async () => {
    scheduler.edit({ rollout: { canary: 1 } });
    await scheduler.pass(secondsLater(hour));
    expect(scheduler.pods()).toEqual(['a#0']);
    for (const seconds of [10, 20, 30]) {
      cluster.finishPods();
      await passesFor(8, secondsLater(seconds));
    }
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
    expect(scheduler.runs()).toMatchObject([{ phase: 'Succeeded' }]);
  });

  it('a step that failed is tried again soon (H34, H35)', async () => {
    cluster.fail = (call) => {
      if (call.startsWith('createRun')) throw new Error('500');
    };
    await passesFor(60, secondsLater(hour));
    cluster.fail = () => {};
    await passesFor(5, start);
    expect(scheduler.runs()).toHaveLength(1);
  });
});
