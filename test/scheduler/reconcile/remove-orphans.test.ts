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

describe('a run whose policy was deleted, or lost its label,', () => {
  beforeEach(async () => {
    await scheduler.pass(start);
    cluster.orphans = [{ policy: 'nightly', run: 'nightly-29540760', uid: 'uid-of-record' }];
  });

  it('is deleted with its job and its pods after half a minute (C31, H41)', async () => {
    cluster.policies = [];
    expect(await scheduler.pass(secondsLater(10))).toEqual(secondsLater(40));
    await scheduler.pass(secondsLater(39));
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
    await scheduler.pass(secondsLater(40));
    expect([scheduler.runs(), scheduler.pods(), [...cluster.jobs]]).toEqual([[], [], []]);
    expect(await scheduler.pass(secondsLater(41))).toBeUndefined();
  });

  it('stays if the label comes back in time (H41)', async () => {
    const orphans = cluster.orphans;
    await scheduler.pass(secondsLater(10));
    cluster.orphans = [];
    await scheduler.pass(secondsLater(20));
    cluster.orphans = orphans;
    await scheduler.pass(secondsLater(45));
    expect(cluster.writes.filter((write) => write.startsWith('deleteRun'))).toEqual([]);
  });

  it('is deleted later if its deletion was refused (H35)', async () => {
    cluster.policies = [];
    cluster.fail = (call) => {
      if (call.startsWith('deleteRun')) throw new Error('403');
    };
    await scheduler.pass(secondsLater(10));
    expect(await scheduler.pass(secondsLater(40))).toEqual(secondsLater(100));
    cluster.fail = () => {};
    await scheduler.pass(secondsLater(100));
    expect(scheduler.runs()).toEqual([]);
  });
});
