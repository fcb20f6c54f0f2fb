import { beforeEach, expect, it } from 'vitest';
import { buildPolicyObject, secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(() => {
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});

it('a policy that is not valid starts no run, is reported once, and does not affect other policies (C3, C40)', async () => {
  const broken = { schedule: '61 * * * *', rollout: { parallelism: '150%' as const } };
  cluster.policies = [buildPolicyObject(broken, { name: 'broken', uid: 'uid-2' }), buildPolicyObject()];
  await scheduler.pass(start);
  await scheduler.pass(secondsLater(1));
  const said = cluster.events.filter(({ policy }) => policy === 'broken');
  expect(said).toHaveLength(1);
  expect(said[0]?.message).toMatch(/schedule: minute: 61.*; rollout\.parallelism: must be a number of nodes/);
  expect(cluster.state().statuses.get('broken')?.value).toMatchObject({ valid: false, problems: [{}, {}] });
  expect(scheduler.runs().map(({ policy }) => policy)).toEqual(['nightly']);
});

it('a policy of image lists that is not valid has all of its problems reported, and does not affect other policies (P20)', async () => {
  const broken = { schedule: '61 * * * *', lists: [{ name: 'base', images: ['Acme/API:1', 'acme/*'] }] };
  const object = { name: 'broken', uid: 'uid-2', data: { 'prepull.yaml': JSON.stringify(broken) } };
  cluster.policies = [buildPolicyObject({}, object), buildPolicyObject()];
  await scheduler.pass(start);
  await scheduler.pass(secondsLater(1));
  const said = cluster.events.filter(({ policy }) => policy === 'broken');
  expect(said.map(({ reason }) => reason)).toEqual(['InvalidPolicy']);
  for (const path of ['schedule', 'lists[0].images[0]', 'lists[0].images[1]']) expect(said[0]?.message).toContain(path);
  expect(scheduler.runs().map(({ policy }) => policy)).toEqual(['nightly']);
});

it('a policy that an edit made invalid is reported, and its run continues as it began (C40)', async () => {
  await scheduler.pass(start);
  cluster.policies = [buildPolicyObject({ schedule: 'nonsense' }, { resourceVersion: '2' })];
  cluster.finishPods();
  await scheduler.pass(secondsLater(5));
  expect(scheduler.runs()[0]?.phase).toBe('Succeeded');
  expect(cluster.events.map(({ reason }) => reason)).toEqual(['RunStarted', 'RunSucceeded', 'InvalidPolicy']);
});
