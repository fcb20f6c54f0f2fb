import { beforeEach, describe, expect, it } from 'vitest';
import { buildPolicyObject, secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

describe('a run that has ended', () => {
  it('loses its pods after the TTL with one call, also after a restart (C30)', async () => {
    await scheduler.completeRun();
    expect(await scheduler.pass(secondsLater(11))).toEqual(secondsLater(610));
    scheduler.restart();
    await scheduler.pass(secondsLater(610));
    expect(cluster.writes.filter((write) => write.startsWith('deletePods'))).toEqual(['deletePods nightly-29540760']);
    expect(cluster.pods.size).toBe(0);
  });

  it('is not started again after its pods and its record are deleted, nor after a restart or an edit (C7, C8, C9, C13)', async () => {
    scheduler.edit({ successfulRunsHistoryLimit: 0 });
    await scheduler.completeRun();
    await scheduler.pass(secondsLater(610));
    expect(scheduler.runs()).toEqual([]);
    scheduler.restart();
    await scheduler.pass(secondsLater(611));
    scheduler.edit({ successfulRunsHistoryLimit: 0, dryRun: true }, '3');
    await scheduler.pass(secondsLater(612));
    expect(cluster.writes.filter((write) => write.startsWith('createRun'))).toHaveLength(1);
  });

  it('keeps its record until its scheduled time is in the status, so that it is not started again (C13)', async () => {
    scheduler.edit({ successfulRunsHistoryLimit: 0, ttlSecondsAfterFinished: 0 });
    cluster.fail = (call) => {
      if (call.startsWith('writeStatus') && cluster.records.size > 0) throw new Error('the API server is away');
    };
    await scheduler.pass(start);
    await scheduler.pass(secondsLater(3));
    expect(scheduler.runs()).toHaveLength(1);
    cluster.fail = () => {};
    await scheduler.pass(secondsLater(6));
    cluster.finishPods();
    await scheduler.pass(secondsLater(9));
    await scheduler.pass(secondsLater(600));
    expect(scheduler.runs()).toEqual([]);
    expect(cluster.events.filter(({ reason }) => reason === 'RunStarted')).toHaveLength(1);
    await scheduler.pass(secondsLater(603));
    expect(scheduler.runs()).toEqual([]);
  });

  it('keeps its record only while the history limits allow it (C13)', async () => {
    scheduler.edit({ successfulRunsHistoryLimit: 2 });
    for (const hour of [0, 1, 2, 3]) {
      await scheduler.pass(secondsLater(hour * 3600));
      cluster.finishPods();
      await scheduler.pass(secondsLater(hour * 3600 + 10));
      await scheduler.pass(secondsLater(hour * 3600 + 700));
    }
    expect(scheduler.runs()).toHaveLength(2);
  });

  it('loses its pods after the TTL also if its policy has become invalid (C30)', async () => {
    await scheduler.pass(start);
    cluster.finishPods();
    await scheduler.pass(secondsLater(5));
    cluster.policies = [buildPolicyObject({ schedule: 'nonsense' }, { resourceVersion: '2' })];
    await scheduler.pass(secondsLater(700));
    expect(scheduler.pods()).toEqual([]);
  });
});
