import { beforeEach, expect, it } from 'vitest';
import { buildNode, buildPod, buildPolicyObject, secondsLater, start } from '../../helpers/builders.ts';
import { type FakeCluster, Killed } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

it('a node that appears gets a pod, and the run does not wait for a node that vanishes (C20, C21)', async () => {
  await scheduler.pass(start);
  cluster.nodes = [buildNode('b'), buildNode('c'), buildNode('d')];
  await scheduler.pass(secondsLater(5));
  expect(scheduler.pods()).toContain('d#0');
  cluster.finishPods();
  await scheduler.pass(secondsLater(10));
  expect(scheduler.runs()[0]).toMatchObject({ phase: 'Succeeded' });
  expect(scheduler.runs()[0]?.nodes.get('a')).toMatchObject({ result: 'Skipped', reason: 'NodeRemoved' });
});

it('a pod that does not start is deleted, and the record has the warning of the cluster about it (C17)', async () => {
  await scheduler.pass(start);
  const stuck = buildPod('b', { ...[...cluster.pods.values()].find(({ node }) => node === 'b'), phase: 'Pending' });
  cluster.pods.set(stuck.name, stuck);
  cluster.podWarnings.set(stuck.name, 'FailedMount: hostPath type check failed: /run/x.sock is not a socket file');
  cluster.finishPods({}, ['a', 'c']);
  await scheduler.pass(secondsLater(61));
  expect(scheduler.runs()[0]).toMatchObject({ phase: 'Failed', reason: 'NodesFailed', message: '1 of 3 nodes failed' });
  expect(scheduler.runs()[0]?.nodes.get('b')).toHaveProperty(
    'message',
    expect.stringMatching(/did not start within 60 s: FailedMount: .* is not a socket file/),
  );
  expect(scheduler.pods()).toEqual(['a#0', 'c#0']);
  expect(cluster.events.at(-1)?.message).toMatch(/b: NotStarted: .*FailedMount/);
});

it('many pods that do not start are deleted in several passes, and recorded once', async () => {
  cluster.nodes = Array.from({ length: 250 }, (_, index) => buildNode(`node-${index}`));
  for (let seconds = 0; seconds < 3; seconds += 1) await scheduler.pass(secondsLater(seconds));
  for (const [name, pod] of cluster.pods) cluster.pods.set(name, { ...pod, phase: 'Pending', createdAt: start });
  cluster.writes = [];
  for (let step = 0; step < 3; step += 1) await scheduler.pass(secondsLater(61));
  const writes = cluster.writes.map((write) => write.split(' ')[0]);
  expect(writes.filter((write) => write === 'deletePod')).toHaveLength(250);
  expect(writes.filter((write) => write === 'updateRun').length).toBeLessThanOrEqual(2);
});

it('a lost node does not keep its place in the rollout (C17, C18)', async () => {
  scheduler.edit({ rollout: { parallelism: 1 } });
  await scheduler.pass(start);
  cluster.nodes = [buildNode('a', { ready: false, readySince: secondsLater(5) }), buildNode('b'), buildNode('c')];
  // Nobody is there to end the pod.
  cluster.deletePod = async (name) => {
    const pod = cluster.pods.get(name);
    if (pod !== undefined) cluster.pods.set(name, { ...pod, deletionTimestamp: start });
  };
  for (const seconds of [70, 75]) await scheduler.pass(secondsLater(seconds));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0']);
  expect(scheduler.runs()[0]?.nodes.get('a')).toMatchObject({ result: 'Failed', reason: 'NodeLost' });
});

it('a pod that is missing from one state of the cluster counts, and gets no second pod beside it (C15, C24)', async () => {
  await scheduler.pass(start);
  const [hidden] = [...cluster.pods.values()].filter(({ node }) => node === 'a');
  if (hidden === undefined) throw new Error('no pod on node a');
  cluster.pods.delete(hidden.name);
  await scheduler.pass(secondsLater(1));
  cluster.pods.set(hidden.name, hidden);
  await scheduler.pass(secondsLater(2));
  cluster.finishPods();
  for (const seconds of [4, 7, 20]) await scheduler.pass(secondsLater(seconds));
  expect(scheduler.pods()).toEqual(['a#0', 'b#0', 'c#0']);
  expect(scheduler.runs()[0]).toMatchObject({ phase: 'Succeeded' });
});

it('reports that came while the scheduler was away count, even after the deadline (C29)', async () => {
  scheduler.edit({ activeDeadlineSeconds: 60 });
  await scheduler.pass(start);
  cluster.finishPods();
  scheduler.restart();
  await scheduler.pass(secondsLater(600));
  expect(scheduler.runs()[0]).toMatchObject({ phase: 'Succeeded', reason: 'Completed' });
});

it.each(['is killed', 'is refused the event'])(
  'the pods of a run that ends at its deadline are deleted, also when the scheduler %s (C29)',
  async (how) => {
    scheduler.edit({ activeDeadlineSeconds: 60, ttlSecondsAfterFinished: 86_400 });
    await scheduler.pass(start);
    cluster.fail = (call) => {
      if (call === 'recordEvent RunFailed') throw how === 'is killed' ? new Killed() : new Error('429');
    };
    await scheduler.pass(secondsLater(61)).catch(() => {});
    cluster.fail = () => {};
    scheduler.restart();
    await scheduler.pass(secondsLater(63));
    expect(scheduler.runs()[0]).toMatchObject({ phase: 'Failed', reason: 'DeadlineExceeded' });
    expect(scheduler.pods()).toEqual([]);
  },
);

it('a run whose record this version can read only in part ends with the cause, and the next scheduled time starts a run (C29, C40)', async () => {
  scheduler.edit({ nodes: { matchLabels: { 'kubernetes.io/os': 'linux' } } });
  await scheduler.pass(start);
  expect(scheduler.pods()).toHaveLength(3);
  const [[name, { data, version }] = ['', { data: {}, version: 0 }]] = cluster.records;
  const text = (data as Record<string, string>)['run.yaml'] ?? '';
  cluster.records.set(name, {
    data: { ...data, 'run.yaml': text.replace('kubernetes.io/os: linux', 'a..b/os: linux') },
    version,
  });
  scheduler.restart();
  for (const seconds of [10, 12, 14]) await scheduler.pass(secondsLater(seconds));
  expect(scheduler.runs()).toMatchObject([{ phase: 'Failed', reason: 'RecordUnreadable' }]);
  expect(scheduler.runs()[0]?.message).toMatch(
    /^this version does not take the policy .*a\.\.b\/os: the key must have a DNS name/,
  );
  expect(scheduler.pods()).toEqual([]);
  expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'RunFailed']);
  await scheduler.pass(secondsLater(3600));
  expect(scheduler.runs()).toMatchObject([{ phase: 'Failed' }, { phase: 'Running' }]);
});

it('a run begins with a canary on which the run before has succeeded (H10)', async () => {
  const request = (value: string, document: object, resourceVersion: string) => {
    const annotations = { 'nodesweep.io/run-at': value };
    cluster.policies = [buildPolicyObject({ suspend: true, ...document }, { annotations, resourceVersion })];
  };
  request('first', { rollout: { restartLimit: 0 } }, '2');
  await scheduler.pass(secondsLater(60));
  cluster.finishPods({ outcome: 'PartiallyFailed' }, ['a', 'b']);
  cluster.finishPods({}, ['c']);
  await scheduler.pass(secondsLater(61));
  expect(scheduler.runs()).toMatchObject([{ phase: 'Failed', reason: 'NodesFailed' }]);
  cluster.pods.clear();
  request('second', { rollout: { canary: 1 } }, '3');
  await scheduler.pass(secondsLater(120));
  expect(scheduler.pods()).toEqual(['c#0']);
});
