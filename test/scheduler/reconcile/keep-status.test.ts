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

it('a policy whose status is from the future, because a clock was wrong, still starts runs', async () => {
  await scheduler.pass(secondsLater(-60));
  const ahead = secondsLater(86_400 * 365);
  await scheduler.pass(ahead);
  cluster.finishPods();
  await scheduler.pass(new Date(ahead.getTime() + 5_000));
  await scheduler.pass(secondsLater(10));
  await scheduler.pass(secondsLater(3600));
  expect(scheduler.runs().map(({ trigger }) => trigger)).toContainEqual({ type: 'Schedule', slot: secondsLater(3600) });
});

describe('the next pass is never in the past', () => {
  it('after a scheduled time missed its starting deadline', async () => {
    scheduler.edit({ startingDeadlineSeconds: 60 });
    await scheduler.pass(secondsLater(-60));
    scheduler.restart();
    expect(await scheduler.pass(secondsLater(120))).toEqual(secondsLater(3600));
    expect(cluster.state().statuses.get('nightly')?.value?.nextSlot).toEqual(secondsLater(3600));
  });

  it('while a scheduled time waits for the active run', async () => {
    scheduler.edit({ activeDeadlineSeconds: 9000 });
    await scheduler.pass(start);
    expect((await scheduler.pass(secondsLater(3660)))?.getTime()).toBeGreaterThan(secondsLater(3660).getTime());
  });
});
