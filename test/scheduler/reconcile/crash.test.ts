import { beforeEach, expect, it } from 'vitest';
import { secondsLater, start } from '../../helpers/builders.ts';
import { type FakeCluster, Killed } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(begin);

function begin(): void {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
}

it('a scheduler that is killed before any of its writes and started again starts one run for the scheduled time, with one pod a node (C10, C15)', async () => {
  const story = async () => {
    await scheduler.pass(start);
    cluster.finishPods();
    await scheduler.pass(secondsLater(3));
    await scheduler.pass(secondsLater(6));
    await scheduler.pass(secondsLater(700));
  };
  await story();
  const total = cluster.writes.length;
  expect(total).toBeGreaterThan(8);
  for (let kill = 0; kill < total; kill += 1) {
    begin();
    cluster.killBefore = kill;
    await expect(story()).rejects.toThrow(Killed);
    cluster.killBefore = Number.POSITIVE_INFINITY;
    scheduler.restart();
    await story();
    await scheduler.pass(secondsLater(1400));
    const created = cluster.writes.filter((write) => write.startsWith('createPod'));
    expect([...new Set(created)].sort()).toEqual(['createPod a#0', 'createPod b#0', 'createPod c#0']);
    expect(scheduler.runs().map(({ name, phase }) => [name, phase])).toEqual([['nightly-29540760', 'Succeeded']]);
    expect([...cluster.pods.keys()]).toEqual([]);
  }
});

it('two replicas that see the same scheduled time start one run with one pod a node (C10)', async () => {
  const other = new ManualScheduler(cluster);
  await Promise.all([scheduler.pass(start), other.pass(start)]);
  expect(scheduler.runs()).toHaveLength(1);
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
  cluster.finishPods();
  await Promise.all([scheduler.pass(secondsLater(5)), other.pass(secondsLater(5))]);
  expect(scheduler.runs()[0]?.phase).toBe('Succeeded');
  expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'RunSucceeded']);
});
