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

describe('a scheduled time', () => {
  it('starts one run with one job, and one pod on every node (C15)', async () => {
    cluster.boundReferences.set('a', ['docker.io/acme/web:2']);
    await scheduler.pass(start);
    expect(scheduler.runs().map(({ name, phase }) => [name, phase])).toEqual([['nightly-29540760', 'Running']]);
    expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
    expect(cluster.jobs.get('nightly-29540760')).toMatchObject({ version: 1, startingReferences: [] });
    expect([...cluster.told.values()].map(({ bound }) => bound)).toEqual([['docker.io/acme/web:2'], [], []]);
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted']);
  });

  it('is the time of the next pass (C1)', async () => {
    cluster.nodes = [];
    expect(await scheduler.pass(secondsLater(-60))).toEqual(start);
  });

  it('starts one run after downtime, however many scheduled times were missed (C4, C6)', async () => {
    cluster.policies = [buildPolicyObject({ schedule: '* * * * *' }, { createdAt: secondsLater(-86_400) })];
    await scheduler.pass(secondsLater(30));
    expect(scheduler.runs()).toHaveLength(1);
    expect(scheduler.runs()[0]?.trigger).toEqual({ type: 'Schedule', slot: start });
  });

  it('that started no run in time is reported once, with the cause (C5)', async () => {
    scheduler.edit({ schedule: '* * * * *', startingDeadlineSeconds: 30 });
    await scheduler.pass(start);
    expect(scheduler.runs()).toHaveLength(1);
    await scheduler.pass(secondsLater(90));
    await scheduler.pass(secondsLater(91));
    scheduler.edit({ schedule: '* * * * *', startingDeadlineSeconds: 30, dryRun: true }, '3');
    await scheduler.pass(secondsLater(100));
    const missed = cluster.events.filter(({ reason }) => reason === 'SlotMissed');
    expect(missed).toMatchObject([{ type: 'Warning', policy: 'nightly' }]);
    expect(missed[0]?.message).toBe(
      `no run started within startingDeadlineSeconds (30) of the scheduled time ${secondsLater(60).toISOString()}: run nightly-29540760 is active`,
    );
    expect(cluster.state().statuses.get('nightly')?.value).toMatchObject({ missedSlot: secondsLater(60) });
  });

  it('starts no run once it is older than startingDeadlineSeconds (C5)', async () => {
    scheduler.edit({ startingDeadlineSeconds: 60 });
    await scheduler.pass(secondsLater(61));
    expect(scheduler.runs()).toEqual([]);
    scheduler.restart();
    await scheduler.pass(secondsLater(3600 + 60));
    expect(scheduler.runs()).toHaveLength(1);
  });

  it.each([{ startingDeadlineSeconds: undefined }, { startingDeadlineSeconds: 7_200 }])(
    'that was reported as missed starts no run, also with %j (C5, C9)',
    async (document) => {
      scheduler.edit({ startingDeadlineSeconds: 60 });
      await scheduler.pass(secondsLater(61));
      expect(cluster.events.map(({ reason }) => reason)).toEqual(['SlotMissed']);
      scheduler.edit(document, '3');
      scheduler.restart();
      await scheduler.pass(secondsLater(90));
      expect(scheduler.runs()).toEqual([]);
      await scheduler.pass(secondsLater(3600));
      expect(scheduler.runs()).toMatchObject([{ trigger: { slot: secondsLater(3600) } }]);
    },
  );

  it('before the first valid schedule of a policy starts no run (C3, C9)', async () => {
    scheduler.edit({ schedule: 'every hour' });
    await scheduler.pass(secondsLater(-30));
    scheduler.edit({}, '3');
    await scheduler.pass(secondsLater(30));
    expect(scheduler.runs()).toEqual([]);
    await scheduler.pass(secondsLater(3600));
    expect(scheduler.runs()).toHaveLength(1);
  });

  it('that never comes is reported once, in an event (H19)', async () => {
    scheduler.edit({ schedule: '0 0 31 2 *' });
    for (const seconds of [0, 60, 120]) await scheduler.pass(secondsLater(seconds));
    scheduler.restart();
    await scheduler.pass(secondsLater(180));
    expect(cluster.events).toMatchObject([{ type: 'Warning', reason: 'ScheduleNeverFires' }]);
  });

  it('starts no run while the policy is suspended, and none after it is resumed (C12)', async () => {
    scheduler.edit({ suspend: true });
    await scheduler.pass(secondsLater(60));
    scheduler.edit({ suspend: false }, '3');
    await scheduler.pass(secondsLater(120));
    expect(scheduler.runs()).toEqual([]);
    await scheduler.pass(secondsLater(3600));
    expect(scheduler.runs()).toHaveLength(1);
  });

  it('before an edit of the schedule starts no run after it (C9)', async () => {
    await scheduler.pass(secondsLater(-60));
    scheduler.edit({ schedule: '30 9 * * *' });
    await scheduler.pass(secondsLater(-30));
    expect(scheduler.runs()).toEqual([]);
  });

  it('with jitter starts its run later, and is in the status until then (C1)', async () => {
    scheduler.edit({ jitterSeconds: 1800 });
    const wakeAt = await scheduler.pass(secondsLater(-60));
    expect(wakeAt?.getTime()).toBeGreaterThan(start.getTime());
    expect(wakeAt?.getTime()).toBeLessThan(secondsLater(1800).getTime());
    const next = () => cluster.state().statuses.get('nightly')?.value?.nextSlot;
    await scheduler.pass(secondsLater(1));
    expect([scheduler.runs(), next()]).toEqual([[], start]);
    await scheduler.pass(wakeAt ?? start);
    expect(scheduler.runs().map(({ trigger }) => trigger)).toEqual([{ type: 'Schedule', slot: start }]);
    expect(next()).toEqual(secondsLater(3600));
  });
});
