import type { V1Pod } from '@kubernetes/client-node';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { unpackReferences } from '../../../contract/packed-references.ts';
import { readPod } from '../../../scheduler/kubernetes/pods/read-pod.ts';
import { prepull } from '../../../scheduler/prepull/kind.ts';
import { encodeLedger } from '../../../scheduler/prepull/removal/ledger.ts';
import { newRun } from '../../../scheduler/run/run.ts';
import { buildNode, buildPolicyObject, start } from '../../helpers/builders.ts';
import { LoopbackScheduler, maps, pods } from '../../helpers/loopback-scheduler.ts';
import { buildPrepull } from '../../helpers/prepull.ts';

const ledger = { policy: 'base', policyUid: 'uid-base', kind: 'prepull', data: { 'lists.json': '{}' } };

let scheduler: LoopbackScheduler;

beforeEach(async () => {
  scheduler = await LoopbackScheduler.start();
});
afterEach(() => scheduler.stop());

const stored = () => scheduler.cluster.state().ledgers?.get('base');

it('the account of a policy is a ConfigMap that nothing owns, and that a second process reads (P14)', async () => {
  expect(await scheduler.cluster.writeLedger(ledger, undefined)).toBe(true);
  const map = scheduler.server.objects.get(`${maps}/base.lists`);
  expect(map?.metadata).toMatchObject({ labels: { 'nodesweep.io/kind': 'lists', 'nodesweep.io/policy': 'base' } });
  expect(map?.metadata.ownerReferences).toBeUndefined();
  expect(stored()).toMatchObject(ledger);
  await scheduler.restart();
  expect(stored()).toMatchObject(ledger);
});

it('the account is not written over by a process that has not seen its newest version (P19)', async () => {
  await scheduler.cluster.writeLedger(ledger, undefined);
  const before = stored();
  const next = { ...ledger, data: { 'lists.json': '{"version":2}' } };
  expect(await scheduler.cluster.writeLedger(ledger, undefined)).toBe(false);
  expect(await scheduler.cluster.writeLedger(next, before)).toBe(true);
  expect(await scheduler.cluster.writeLedger(ledger, before)).toBe(false);
  expect(stored()).toMatchObject(next);
});

it('a cleaner of lists has its job and its images with it, and the scheduler reads them back from the pod (P12)', async () => {
  const policy = buildPrepull([{ name: 'base', images: ['docker.io/acme/api:1'] }]);
  const trigger = { type: 'Request', request: 'now' } as const;
  const plan = { kind: prepull, policy: 'base', trigger, document: {}, spec: policy, resumedBy: undefined };
  const memory = { states: new Map(), over: [0], removing: { tries: [], removals: new Map() } };
  const progress = { state: 'Reserved', attempts: 0, rejections: 0, parts: 0, memory } as const;
  const run = { ...newRun(plan, start), nodes: new Map([['a', progress]]) };
  const object = buildPolicyObject({}, { name: 'base', uid: 'uid-base' });
  await scheduler.cluster.createRun(object, run);
  await vi.waitFor(() => expect(scheduler.server.objects.has(`${maps}/${run.name}.run`)).toBe(true));
  await scheduler.cluster.createJob(run, {});
  const due = ['docker.io/acme/web:1', 'docker.io/acme/db:1'];
  const needs = { references: ['bound:1'], count: 1, prepulled: ['docker.io/acme/api:1'], due };
  await scheduler.cluster.createPod(run, buildNode('a'), 0, needs);
  const pod = [...scheduler.server.objects].find(([path]) => path.startsWith(pods))?.[1] as unknown as V1Pod;
  const annotations = pod.metadata?.annotations ?? {};
  expect(JSON.parse(annotations['nodesweep.io/job'] ?? '')).toMatchObject({ run: run.name, removeReferences: [] });
  const items = pod.spec?.volumes?.[0]?.projected?.sources?.[0]?.downwardAPI?.items ?? [];
  const files = Object.fromEntries(items.map(({ path, fieldRef }) => [path, fieldRef?.fieldPath]));
  expect(files).toEqual({
    'job.json': "metadata.annotations['nodesweep.io/job']",
    'bound-references': "metadata.annotations['nodesweep.io/bound-references']",
    'prepulled-references': "metadata.annotations['nodesweep.io/prepulled-references']",
    'remove-references': "metadata.annotations['nodesweep.io/remove-references']",
  });
  expect(unpackReferences(Buffer.from(annotations['nodesweep.io/remove-references'] ?? ''))).toEqual(due);
  expect(readPod(pod)).toMatchObject({ kind: 'cleaner', node: 'a', due });
});

it('the runs of a deleted policy belong to its account, and remove what is on it (P14)', async () => {
  const document = { schedule: '@daily', lists: [{ name: 'base', images: ['docker.io/acme/api:1'] }] };
  const applied = new Map([['a', { references: ['docker.io/acme/api:1'] }]]);
  await scheduler.cluster.writeLedger({ ...ledger, data: encodeLedger({ document, applied }) }, undefined);
  scheduler.putNode('a');
  await vi.waitFor(() => expect(scheduler.cluster.state().nodes).toHaveLength(1));
  expect(await scheduler.pass(0)).toEqual({ base: 30 });
  await scheduler.pass(31);
  await scheduler.restart();
  await scheduler.pass(62);
  const { metadata: account } = scheduler.server.objects.get(`${maps}/base.lists`) ?? {};
  const records = [...scheduler.server.objects].filter(([path]) => path.endsWith('.run'));
  const owner = { kind: 'ConfigMap', name: 'base.lists', uid: account?.uid };
  expect(records.map(([, { metadata }]) => metadata.ownerReferences)).toMatchObject([[owner]]);
  expect(scheduler.cluster.state().pods).toMatchObject([{ kind: 'cleaner', due: ['docker.io/acme/api:1'] }]);
  expect(scheduler.cluster.state().orphans).toEqual([]);
});

it('the account of a policy that has lost its label stays, and nothing is removed (P14)', async () => {
  const document = { schedule: '@daily', lists: [{ name: 'base', images: ['docker.io/acme/api:1'] }] };
  const applied = new Map([['a', { references: ['docker.io/acme/api:1'] }]]);
  await scheduler.cluster.writeLedger({ ...ledger, data: encodeLedger({ document, applied }) }, undefined);
  scheduler.server.put(maps, 'base', { metadata: { labels: {} } });
  scheduler.putNode('a');
  for (const seconds of [0, 31, 100]) await scheduler.pass(seconds);
  expect(scheduler.cluster.state().pods).toEqual([]);
  expect(stored()).toBeDefined();
});
