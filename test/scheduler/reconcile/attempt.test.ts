import { beforeEach, describe, expect, it } from 'vitest';
import { buildNode, secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

describe('an error of a step', () => {
  const words = '403: the request is forbidden by a policy of the cluster';
  const conditionsOf = (policy: string) => cluster.state().statuses.get(policy)?.value?.conditions ?? [];
  const refuse = (refused: string) => {
    let calls = 0;
    cluster.fail = (call) => {
      if (!call.startsWith(refused)) return;
      calls++;
      throw new Error(words);
    };
    return () => calls;
  };
  /** Passes as often as the scheduler asks for it, and at least once a minute. */
  const watch = async (from: number, to: number) => {
    for (let at = secondsLater(from); at < secondsLater(to); ) {
      const wakeAt = (await scheduler.pass(at)) ?? secondsLater(to);
      expect(wakeAt.getTime()).toBeGreaterThan(at.getTime());
      at = new Date(Math.min(wakeAt.getTime(), at.getTime() + 60_000));
    }
  };
  const tellsIt = ({ message }: { message: string }) => message.includes(words);

  it.each([
    ['createRun', 'start the run that is due'],
    ['updateRun', 'move run nightly-29540760 on'],
    ['listWorkloadReferences', 'start cleaners of run nightly-29540760'],
    ['createJob', 'start cleaners of run nightly-29540760'],
    ['readBoundPods', 'start cleaners of run nightly-29540760'],
    ['createPod', 'start cleaners of run nightly-29540760'],
    ['deletePods', 'delete the pods of run nightly-29540760'],
    ['deleteRun', 'delete what has expired'],
    ['writeStatus', 'write the status'],
  ])('at %s is reported once, is in the status, and leads to retries less and less often (H35)', async (call, what) => {
    const document = {
      images: { protectWorkloads: true },
      activeDeadlineSeconds: 80_000,
      successfulRunsHistoryLimit: call === 'deleteRun' ? 0 : 1,
    };
    scheduler.edit({ schedule: '0 10 * * *', ...document });
    const calls = refuse(call);
    for (let seconds = 0; seconds < 3_000; seconds += 100) {
      await watch(seconds, seconds + 100);
      cluster.finishPods();
    }
    expect(calls()).toBeGreaterThan(5);
    expect(calls()).toBeLessThan(call === 'createPod' ? 300 : 80);
    expect(cluster.events.filter(tellsIt)).toMatchObject([{ type: 'Warning', reason: 'StepFailed' }]);
    expect(cluster.events.find(tellsIt)?.message).toContain(`could not ${what} yet`);
    if (call !== 'writeStatus')
      expect(conditionsOf('nightly').filter(tellsIt)).toMatchObject([{ reason: 'StepFailed' }]);
    cluster.fail = () => {};
    await watch(3_000, 3_300);
    expect(conditionsOf('nightly').filter(tellsIt)).toEqual([]);
  });

  it('stops no other step of the policy: an active run goes on while the next one cannot start (H35)', async () => {
    scheduler.edit({ concurrencyPolicy: 'Allow', activeDeadlineSeconds: 9_000 });
    await scheduler.pass(start);
    refuse('createRun');
    await scheduler.pass(secondsLater(3_600));
    expect(conditionsOf('nightly')).toMatchObject([
      { type: 'Ready', status: 'False', message: expect.stringContaining(words) },
      { type: 'Progressing', status: 'True' },
      { type: 'Degraded', status: 'False' },
    ]);
    cluster.finishPods();
    await scheduler.pass(secondsLater(3_601));
    expect(scheduler.runs()).toMatchObject([{ phase: 'Succeeded' }]);
  });

  it('is in the record of the run, and is the cause when the run reaches its deadline, also after a restart (H35)', async () => {
    scheduler.edit({ schedule: '0 10 * * *', images: { protectWorkloads: true }, activeDeadlineSeconds: 1_000 });
    refuse('listWorkloadReferences');
    await watch(0, 600);
    expect(scheduler.runs()[0]).toMatchObject({ phase: 'Running', message: expect.stringContaining(words) });
    scheduler.restart();
    await scheduler.pass(secondsLater(1_001));
    expect(scheduler.runs()[0]).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      message: expect.stringMatching(/activeDeadlineSeconds; until then: could not start cleaners .*403/),
    });
    expect(cluster.events.at(-1)).toMatchObject({ reason: 'RunFailed', message: expect.stringContaining(words) });
  });

  it('is removed from the record once the step succeeds (H35)', async () => {
    scheduler.edit({ schedule: '0 10 * * *', rollout: { parallelism: 1 } });
    refuse('createPod');
    await watch(0, 60);
    expect(scheduler.runs()[0]?.message).toContain(words);
    cluster.fail = () => {};
    await watch(60, 400);
    expect(scheduler.runs().map(({ phase, message }) => [phase, message])).toEqual([['Running', undefined]]);
  });

  it('is reported as the cause when a scheduled time starts no run in time (H35)', async () => {
    scheduler.edit({ startingDeadlineSeconds: 30 });
    refuse('createRun');
    await watch(0, 120);
    expect(cluster.events.find(({ reason }) => reason === 'SlotMissed')?.message).toContain(words);
  });

  it('is reported once, although it names another pod each time (H35)', async () => {
    scheduler.edit({ schedule: '0 10 * * *', activeDeadlineSeconds: 80_000 });
    cluster.fail = (call) => {
      if (call.startsWith('createPod'))
        throw new Error(`could not create pod ${call}: pods "${call}" is forbidden: exceeded quota`);
    };
    for (let seconds = 0; seconds < 3_000; seconds += 60) {
      await scheduler.pass(secondsLater(seconds));
      cluster.nodes = [buildNode(`x${seconds}`), buildNode('z')];
    }
    expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'StepFailed']);
  });
});

it('an error of a run is not shown any more when the run has ended although the answer to its last write was lost (H35)', async () => {
  cluster.nodes = [buildNode('a')];
  await scheduler.pass(start);
  cluster.finishPods();
  const write = cluster.updateRun.bind(cluster);
  cluster.updateRun = async (run) => {
    await write(run);
    throw new Error('503: the connection was lost');
  };
  await scheduler.pass(secondsLater(5));
  const conditions = () => cluster.state().statuses.get('nightly')?.value?.conditions ?? [];
  expect(scheduler.runs()).toMatchObject([{ phase: 'Succeeded' }]);
  cluster.updateRun = write;
  for (const seconds of [10, 20, 200]) await scheduler.pass(secondsLater(seconds));
  expect(conditions().find(({ type }) => type === 'Progressing')).toMatchObject({ reason: 'Idle' });
});
