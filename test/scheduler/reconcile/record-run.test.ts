import { beforeEach, describe, expect, it } from 'vitest';
import { buildNode, secondsLater, start } from '../../helpers/builders.ts';
import { type FakeCluster, Killed } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

it('the progress of a run is written less and less often, so that a long run costs few writes', async () => {
  cluster.nodes = Array.from({ length: 60 }, (_, index) => buildNode(`node-${index}`));
  await scheduler.pass(start);
  const times: number[] = [];
  for (let seconds = 2; seconds < 120; seconds += 2) {
    cluster.writes = [];
    cluster.finishPods({}, [`node-${seconds / 2}`]);
    await scheduler.pass(secondsLater(seconds));
    if (cluster.writes.length > 0) times.push(seconds);
  }
  expect(times).toEqual([30, 90]);
});

it('the progress of a run that takes an hour is at most ten minutes old', async () => {
  scheduler.edit({ activeDeadlineSeconds: 7_200 });
  cluster.nodes = Array.from({ length: 60 }, (_, index) => buildNode(`node-${index}`));
  await scheduler.pass(start);
  const minutes: number[] = [];
  for (let minute = 1; minute < 60; minute += 1) {
    cluster.writes = [];
    cluster.finishPods({}, [`node-${minute}`]);
    await scheduler.pass(secondsLater(60 * minute));
    if (cluster.writes.length > 0) minutes.push(minute);
  }
  expect(minutes).toEqual([1, 3, 9, 19, 29, 39, 49, 59]);
});

it('the nodes of a run are recorded once, in any number of waves', async () => {
  scheduler.edit({ rollout: { parallelism: 3 } });
  cluster.nodes = Array.from({ length: 60 }, (_, index) => buildNode(`node-${index}`));
  for (let seconds = 0; seconds <= 20; seconds += 1) {
    await scheduler.pass(secondsLater(seconds));
    cluster.finishPods();
  }
  expect(scheduler.runs()).toMatchObject([{ phase: 'Succeeded' }]);
  expect(cluster.pods.size).toBe(60);
  const others = cluster.writes.filter((write) => !write.startsWith('createPod')).map((write) => write.split(' ')[0]);
  expect(others.filter((write) => write === 'updateRun')).toHaveLength(1);
  expect(others.length).toBeLessThanOrEqual(10);
});

it('a scheduler that continues the run of another writes its record before it starts anything, even if nothing is new', async () => {
  cluster.fail = (call) => {
    if (call.startsWith('createPod')) throw new Killed();
  };
  await expect(scheduler.pass(start)).rejects.toThrow(Killed);
  cluster.fail = () => {};
  scheduler.restart();
  cluster.writes = [];
  await scheduler.pass(secondsLater(5));
  expect(cluster.writes.slice(0, 3)).toEqual([
    'createJob nightly-29540760',
    'updateRun nightly-29540760 Running',
    'createPod a#0',
  ]);
});

describe('the number of writes', () => {
  const writesOf = async (now: Date) => {
    cluster.writes = [];
    await scheduler.pass(now);
    return cluster.writes.map((write) => write.split(' ')[0]);
  };

  it('is one for the record, one for the job, one for the status and one for each pod when a run starts', async () => {
    const pods = ['createPod', 'createPod', 'createPod'];
    expect(await writesOf(start)).toEqual(['createRun', 'recordEvent', 'createJob', ...pods, 'writeStatus']);
    expect(await writesOf(secondsLater(1))).toEqual([]);
    cluster.finishPods();
    expect(await writesOf(secondsLater(5))).toEqual(['updateRun', 'recordEvent', 'writeStatus']);
    expect(await writesOf(secondsLater(6))).toEqual([]);
  });

  it('is at most ten beside those of the pods for a run over 1,000 nodes that end one after the other', async () => {
    cluster.nodes = Array.from({ length: 1_000 }, (_, index) => buildNode(`node-${index}`));
    scheduler.edit({ rollout: { parallelism: '5%' } });
    for (let seconds = 0; scheduler.runs()[0]?.phase !== 'Succeeded'; seconds += 1) {
      await scheduler.pass(secondsLater(seconds));
      cluster.finishPods();
    }
    expect(cluster.writes.filter((write) => write.startsWith('createPod'))).toHaveLength(1_000);
    expect(cluster.writes.length).toBeLessThanOrEqual(1_010);
  });

  it('is one for the status in a pass that finds an edit, a start, a missed scheduled time and the end of a run', async () => {
    scheduler.edit({ schedule: '* * * * *', startingDeadlineSeconds: 30 });
    await scheduler.pass(start);
    cluster.finishPods();
    scheduler.edit({ schedule: '* * * * *', startingDeadlineSeconds: 30, dryRun: true }, '3');
    expect((await writesOf(secondsLater(95))).filter((write) => write === 'writeStatus')).toHaveLength(1);
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'RunSucceeded', 'SlotMissed']);
  });
});
