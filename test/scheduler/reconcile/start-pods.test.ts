import { beforeEach, expect, it } from 'vitest';
import { JobTooLargeError } from '../../../scheduler/pods/job-too-large.ts';
import { buildNode, secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

it('a pod that cannot be created is tried again, and the pods of the other nodes start (C19)', async () => {
  cluster.fail = (call) => {
    if (call === 'createPod b#0') throw new Error('exceeded quota');
  };
  expect(await scheduler.pass(start)).toEqual(secondsLater(2));
  expect(scheduler.pods()).toEqual(['a#0', 'c#0']);
  expect(scheduler.logged.join()).toMatch(
    /could not start cleaners of run nightly-29540760 yet, trying again: on node b: Error: exceeded quota/,
  );
  cluster.fail = () => {};
  await scheduler.pass(secondsLater(2));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
});

it('a cleaner gets the pods that are bound to its node right before it starts (H4, T18)', async () => {
  scheduler.edit({ rollout: { parallelism: 1 } });
  await scheduler.pass(start);
  expect(scheduler.pods()).toEqual(['a#0']);
  cluster.boundReferences.set('b', ['docker.io/acme/model-server:7']);
  cluster.finishPods();
  await scheduler.pass(secondsLater(2_400));
  cluster.boundReferences.set('c', ['docker.io/acme/new:1']);
  cluster.finishPods();
  await scheduler.pass(secondsLater(2_500));
  expect([...cluster.told.values()].map(({ bound }) => bound)).toEqual([
    [],
    ['docker.io/acme/model-server:7'],
    ['docker.io/acme/new:1'],
  ]);
});

it('no cleaner starts while the pods bound to its node cannot be read, and the record has the cause (H4, H35)', async () => {
  const words = 'could not list pods: 403: pods is forbidden';
  cluster.fail = (call) => {
    if (call === 'readBoundPods') throw new Error(words);
  };
  const pauses: number[] = [];
  for (let seconds = 0; seconds < 60; ) {
    const wakeAt = await scheduler.pass(secondsLater(seconds));
    const next = Math.round(((wakeAt ?? start).getTime() - start.getTime()) / 1_000);
    pauses.push(next - seconds);
    seconds = next;
  }
  expect(pauses).toEqual([2, 4, 8, 16, 32]);
  expect(scheduler.pods()).toEqual([]);
  await scheduler.pass(secondsLater(61));
  const trouble = { reason: 'NotCreated', message: `Error: ${words}` };
  expect(scheduler.runs()[0]?.nodes.get('b')).toMatchObject({ trouble });
  cluster.fail = () => {};
  await scheduler.pass(secondsLater(63));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
});

it.each([
  ['listWorkloadReferences', 'the images that deployments name are not known: 403: deployments is forbidden'],
  ['createJob', '403: configmaps is forbidden: exceeded quota'],
])(
  'no cleaner starts while %s is refused, the call is repeated less and less often, and the record has the cause (H5, H35)',
  async (refusedCall, words) => {
    scheduler.edit({ images: { protectWorkloads: true } });
    let calls = 0;
    cluster.fail = (call) => {
      if (!call.startsWith(refusedCall)) return;
      calls++;
      throw new Error(words);
    };
    for (let at = start; at < secondsLater(3_000); ) at = (await scheduler.pass(at)) ?? secondsLater(3_600);
    expect(calls).toBeLessThan(70);
    expect(scheduler.pods()).toEqual([]);
    await scheduler.pass(secondsLater(3_601));
    expect(scheduler.runs()[0]).toMatchObject({ phase: 'Failed' });
    expect(scheduler.runs()[0]?.nodes.get('b')).toHaveProperty('message', expect.stringContaining(words));
    expect(cluster.events.at(-1)?.message).toContain(words);
  },
);

it('a job that is too large to store ends the run at once, with the cause (H21)', async () => {
  cluster.fail = (call) => {
    if (call.startsWith('createJob')) throw new JobTooLargeError('the workloads name 300000 different images');
  };
  await scheduler.pass(start);
  expect(scheduler.runs()).toMatchObject([
    { phase: 'Failed', reason: 'JobTooLarge', message: 'the workloads name 300000 different images' },
  ]);
  expect(cluster.events.at(-1)?.message).toContain('the workloads name 300000 different images');
  await scheduler.pass(secondsLater(2));
  const degraded = cluster
    .state()
    .statuses.get('nightly')
    ?.value?.conditions?.find(({ type }) => type === 'Degraded');
  expect(degraded).toMatchObject({
    status: 'True',
    reason: 'JobTooLarge',
    message: expect.stringContaining('300000'),
  });
  expect(scheduler.pods()).toEqual([]);
});

it('a large run starts its pods in several passes, so that the scheduler reconciles other policies in between', async () => {
  cluster.nodes = Array.from({ length: 250 }, (_, index) => buildNode(`node-${index}`));
  const counts: number[] = [];
  for (let seconds = 0; seconds < 3; seconds += 1) {
    const next = await scheduler.pass(secondsLater(seconds));
    counts.push(cluster.pods.size);
    if (seconds < 2) expect(next).toEqual(secondsLater(seconds));
  }
  expect(counts).toEqual([100, 200, 250]);
  expect(cluster.writes.filter((write) => write.startsWith('updateRun'))).toEqual([]);
});

it('the scheduler does not immediately request the other pods after a pass in which all pods were refused (C19)', async () => {
  cluster.nodes = Array.from({ length: 250 }, (_, index) => buildNode(`node-${index}`));
  cluster.fail = (call) => {
    if (call.startsWith('createPod')) throw new Error('no pods today');
  };
  await scheduler.pass(start);
  cluster.writes = [];
  expect(await scheduler.pass(secondsLater(1))).toEqual(secondsLater(2));
  expect(cluster.writes.filter((write) => write.startsWith('createPod'))).toEqual([]);
  expect(scheduler.logged).toEqual([expect.stringMatching(/on node node-0 and 99 others: Error: no pods today/)]);
  cluster.fail = () => {};
  for (let seconds = 2; seconds < 6; seconds += 1) await scheduler.pass(secondsLater(seconds));
  expect(cluster.pods.size).toBe(250);
});

it('pods that the API server refuses are tried less and less often, and the record has the cause (C19)', async () => {
  scheduler.edit({ activeDeadlineSeconds: 60 });
  cluster.fail = (call) => {
    if (call.startsWith('createPod')) throw new Error('422: tolerations[0].value: must be empty');
  };
  const waits: number[] = [];
  for (let now = start; now < secondsLater(60); ) {
    const next = await scheduler.pass(now);
    waits.push(((next?.getTime() ?? 0) - now.getTime()) / 1000);
    now = new Date(next?.getTime() ?? 0);
  }
  expect(waits.slice(0, 4)).toEqual([2, 4, 8, 16]);
  await scheduler.pass(secondsLater(61));
  expect(scheduler.runs()[0]?.nodes.get('a')).toHaveProperty(
    'message',
    expect.stringMatching(/activeDeadlineSeconds \(60\): NotCreated: Error: 422: tolerations/),
  );
});

it('the workloads are not listed again after a restart for a job that exists (H5, H31)', async () => {
  scheduler.edit({ images: { protectWorkloads: true }, rollout: { parallelism: 1 } });
  let lists = 0;
  cluster.fail = (call) => {
    if (call === 'listWorkloadReferences') lists += 1;
  };
  cluster.workloadReferences = ['docker.io/acme/web:3'];
  await scheduler.pass(start);
  expect(lists).toBe(1);
  cluster.finishPods();
  scheduler.restart();
  await scheduler.pass(secondsLater(10));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0']);
  expect(lists).toBe(1);
});

it('no workloads are listed and no cleaner starts while it is unknown if the job exists (H5, H35)', async () => {
  scheduler.edit({ images: { protectWorkloads: true } });
  let lists = 0;
  cluster.fail = (call) => {
    if (call === 'hasJob') throw new Error('503: try later');
    if (call === 'listWorkloadReferences') lists += 1;
  };
  await scheduler.pass(start);
  expect([lists, scheduler.pods()]).toEqual([0, []]);
  expect(scheduler.logged.join()).toContain('503: try later');
  cluster.fail = () => {};
  await scheduler.pass(secondsLater(2));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
});
