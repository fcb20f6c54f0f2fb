import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { loadJobFile } from '../../../cleaner/job-file.ts';
import { makePlan } from '../../../cleaner/plan/plan.ts';
import type { JobDocument } from '../../../contract/job.ts';
import { annotation } from '../../../contract/labels.ts';
import { packJob } from '../../../scheduler/cleanup/job-maps.ts';
import { buildPod } from '../../../scheduler/cleanup/pod.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import { parsePolicy } from '../../../scheduler/policy/parse.ts';
import type { PrepullDocument } from '../../../scheduler/prepull/policy.ts';
import { listKeeping } from '../../../scheduler/prepull/protected.ts';
import { wantedOn } from '../../../scheduler/prepull/wanted.ts';
import { decodeStatus, encodeStatus, statusOf } from '../../../scheduler/status/status.ts';
import { buildNode, buildPolicyObject, buildRun, secondsLater, start } from '../../helpers/builders.ts';
import type { FakeCluster } from '../../helpers/fake-cluster.ts';
import { buildFacts, buildImage, buildInventory } from '../../helpers/inventory.ts';
import { buildListObject, buildPrepull } from '../../helpers/prepull.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

const api = 'docker.io/acme/api:1.4';
const tool = 'docker.io/acme/tool:2';
const other = 'docker.io/acme/other:3';
const base = { lists: [{ name: 'base', images: ['acme/api:1.4'] }] };
const invalid = { lists: [{ name: 'base', images: ['acme/api:*'] }] };

let directory: string;
let scheduler: ManualScheduler;
let cluster: FakeCluster;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'protected-'));
  scheduler = new ManualScheduler();
  cluster = scheduler.cluster;
});
afterEach(() => rm(directory, { recursive: true }));

/** Sets the list policy beside a cleanup policy whose filters include every image. */
function setLists(document: object, version = '1'): void {
  const images = { include: ['**'], minAge: '0s', keepSideLoaded: false };
  cluster.policies = [buildPolicyObject({ images }), buildListObject(document, { resourceVersion: version })];
}

/** The references of lists that the newest cleaner of each node was told. */
function toldLists(): Readonly<Record<string, readonly string[]>> {
  const pods = [...cluster.told].flatMap(([name, { prepulled }]) => {
    const node = cluster.pods.get(name)?.node;
    return node === undefined ? [] : [[node, prepulled] as const];
  });
  return Object.fromEntries(pods);
}

/** Makes the status of the list policy unreadable, until it is written again. */
function damageStatus(): void {
  const state = cluster.state.bind(cluster);
  const resourceVersion = state().statuses.get('base')?.resourceVersion ?? '';
  cluster.state = () => {
    const { statuses, ...others } = state();
    if (statuses.get('base')?.resourceVersion !== resourceVersion) return { ...others, statuses };
    return { ...others, statuses: new Map([...statuses, ['base', { value: undefined, resourceVersion }]]) };
  };
}

const podSchema = z.object({ metadata: z.object({ annotations: z.record(z.string(), z.string()) }) });

/** Reads the job of the cleaner on a node as it would be mounted in its pod. */
async function readJob(node: string) {
  const pod = [...cluster.pods.values()].findLast((candidate) => candidate.node === node);
  if (pod === undefined) throw new Error(`node ${node} has no cleaner`);
  for (const map of await packJob('job', cluster.jobs.get(pod.run) as JobDocument))
    await writeFile(join(directory, 'job.json'), map.data?.['job.json'] ?? '');
  const { annotations } = podSchema.parse(cluster.bodies.get(pod.name)).metadata;
  await writeFile(join(directory, 'bound-references'), annotations[annotation.boundReferences] ?? '');
  await writeFile(join(directory, 'prepulled-references'), annotations[annotation.prepulledReferences] ?? '');
  return loadJobFile(join(directory, 'job.json'));
}

/** The decision of a cleaner about each image of a node that has all of them. */
async function planOn(node: string): Promise<Readonly<Record<string, string>>> {
  const facts = buildFacts({
    inventory: buildInventory({ images: [api, tool, other].map((name) => buildImage(name)) }),
  });
  const plan = makePlan({ ...facts, job: await readJob(node) });
  return Object.fromEntries([
    ...plan.kept.map(({ image, reason }) => [image.names[0], reason] as const),
    ...plan.removals.map(({ image }) => [image.names[0], 'removed'] as const),
  ]);
}

describe('a cleanup policy that includes every image', () => {
  it('keeps what a list wants on a node, there alone, from the two ConfigMaps to the plan (P11)', async () => {
    cluster.nodes = [buildNode('a', { labels: { pool: 'ci' } }), buildNode('b')];
    setLists({
      lists: [
        { name: 'ci', images: ['acme/api:1.4'], nodes: { matchLabels: { pool: 'ci' } } },
        { name: 'all', images: ['acme/tool:2'] },
      ],
    });
    await scheduler.pass(start);
    expect(await planOn('a')).toEqual({ [api]: 'Prepulled', [tool]: 'Prepulled', [other]: 'removed' });
    expect(await planOn('b')).toEqual({ [api]: 'removed', [tool]: 'Prepulled', [other]: 'removed' });
  });

  it('keeps it on a node that is cordoned, and for a policy that is suspended (P11)', async () => {
    cluster.nodes = [buildNode('a', { unschedulable: true })];
    setLists({ ...base, suspend: true });
    await scheduler.pass(start);
    expect(await planOn('a')).toMatchObject({ [api]: 'Prepulled', [other]: 'removed' });
  });

  it('keeps the last valid lists while an edit is not valid, also after a restart (P11)', async () => {
    setLists(base);
    await scheduler.pass(secondsLater(-100));
    setLists(invalid, '2');
    await scheduler.pass(secondsLater(-50));
    scheduler.restart();
    await scheduler.pass(start);
    expect(await planOn('a')).toMatchObject({ [api]: 'Prepulled', [other]: 'removed' });
    expect(cluster.state().statuses.get('base')?.value).toMatchObject({ valid: false, lastKept: { kind: 'prepull' } });
  });

  it('keeps them too where the edit came while no scheduler was there (P11)', async () => {
    setLists(base);
    await scheduler.pass(secondsLater(-100));
    scheduler.restart();
    setLists(invalid, '2');
    await scheduler.pass(start);
    expect(toldLists()).toEqual({ a: [api], b: [api], c: [api] });
  });

  it('keeps the new lists once the policy is valid again, and none of a policy that is gone (P11)', async () => {
    setLists(base);
    await scheduler.pass(secondsLater(-100));
    setLists(invalid, '2');
    await scheduler.pass(secondsLater(-50));
    setLists({ lists: [{ name: 'base', images: ['acme/tool:2'] }] }, '3');
    await scheduler.completeRun();
    expect(toldLists()).toEqual({ a: [tool], b: [tool], c: [tool] });
    cluster.policies = cluster.policies.slice(0, 1);
    cluster.statusTexts.delete('base');
    await scheduler.pass(secondsLater(3_600));
    expect(toldLists()).toEqual({ a: [], b: [], c: [] });
  });

  it('keeps the lists of a policy that is in a file that is not readable now (P11)', async () => {
    setLists(base);
    await scheduler.pass(secondsLater(-100));
    const [nightly] = cluster.policies;
    cluster.policies = nightly === undefined ? [] : [nightly];
    await scheduler.pass(start);
    expect(toldLists()).toEqual({ a: [api], b: [api], c: [api] });
  });

  it('keeps the last valid lists while the clock of the status is ahead (P11)', async () => {
    setLists(base);
    await scheduler.pass(secondsLater(86_400));
    setLists(invalid, '2');
    await scheduler.pass(start);
    await scheduler.pass(secondsLater(3_600));
    expect(toldLists()).toEqual({ a: [api], b: [api], c: [api] });
  });

  it('keeps no lists of a policy that has become one without lists since (P11)', async () => {
    setLists(base);
    await scheduler.pass(secondsLater(-200));
    const [nightly] = cluster.policies;
    for (const [version, schedule] of [
      ['2', '0 0 1 1 *'],
      ['3', 'nonsense'],
    ] as const) {
      const data = { 'cleanup.yaml': JSON.stringify({ schedule }) };
      const now = buildPolicyObject({}, { name: 'base', uid: 'uid-base', resourceVersion: version, data });
      cluster.policies = nightly === undefined ? [] : [nightly, now];
      await scheduler.pass(secondsLater(-100));
    }
    await scheduler.pass(start);
    expect(toldLists()).toEqual({ a: [], b: [], c: [] });
  });

  it('keeps nothing of a policy that was never valid, nor of another of the same name before it (P11)', async () => {
    setLists(base);
    await scheduler.pass(secondsLater(-100));
    const [nightly] = cluster.policies;
    if (nightly === undefined) throw new Error('no policy');
    cluster.policies = [nightly, buildListObject(invalid, { uid: 'uid-new', resourceVersion: '2' })];
    await scheduler.pass(start);
    expect(toldLists()).toEqual({ a: [], b: [], c: [] });
  });
});

describe('nothing is removed', () => {
  it('while the last valid lists are lost with a damaged status, and the run says so (P11)', async () => {
    setLists(base);
    await scheduler.pass(secondsLater(-100));
    setLists(invalid, '2');
    damageStatus();
    for (const seconds of [0, 2, 6, 14, 30, 62, 63]) await scheduler.pass(secondsLater(seconds));
    expect(cluster.told.size).toBe(0);
    expect(scheduler.runs()[0]?.nodes.get('a')).toMatchObject({
      trouble: {
        reason: 'NotCreated',
        message: expect.stringMatching(
          /policy base is not valid, and the images of its last valid version can't be read/,
        ),
      },
    });
    setLists(base, '3');
    await scheduler.pass(secondsLater(125));
    expect(toldLists()).toEqual({ a: [api], b: [api], c: [api] });
  });

  it('on a node whose lists do not fit into its pod (P11)', () => {
    const digest = (index: number) => createHash('sha256').update(String(index)).digest('hex');
    const prepulled = Array.from({ length: 10_000 }, (_, index) => `registry.test/app@sha256:${digest(index)}`);
    const template = { namespace: 'n', image: 'acme/nodesweep:1', serviceAccountName: 'c', logLevel: 'info' };
    const order = { run: buildRun(), runUid: 'uid', attempt: 0, references: { bound: [], prepulled }, jobMaps: [] };
    expect(() => buildPod(order, buildNode('a'), template)).toThrow(/image lists want 10000 there.*nothing is removed/);
  });
});

it('the status is written with the lists when they change, and not again (P11)', async () => {
  setLists(base);
  await scheduler.pass(start);
  const writes = () => cluster.writes.filter((write) => write === 'writeStatus base').length;
  const before = writes();
  for (const seconds of [10, 20, 30]) await scheduler.pass(secondsLater(seconds));
  expect(writes()).toBe(before);
});

it.each([
  ['the most images', 32, 100, 'a'],
  ['the longest names', 32, 40, 'a'.repeat(220)],
])('the status of a policy with %s fits into a ConfigMap (P11)', (_, count, images, prefix) => {
  const all = Array.from({ length: count }, (_list, list) => ({
    name: `l${list}`,
    nodes: { matchLabels: { pool: String(list) } },
    images: Array.from({ length: images }, (_image, image) => `${prefix}${list}-${image}:1`),
  }));
  const object = buildListObject({ lists: all });
  const parsed = parsePolicy(object.name, object.data, runKinds);
  expect(parsed).toMatchObject({ valid: true });
  const data = encodeStatus(statusOf({ object, parsed, runs: [], now: start }, undefined));
  expect(Buffer.byteLength(JSON.stringify(data))).toBeLessThan(600_000);
  expect(decodeStatus(data).lastKept).toMatchObject({ kind: 'prepull' });
});

it('a cleaner never is told less than what the lists want on its node, whatever they select (P11)', () => {
  const labels = fc.dictionary(fc.constantFrom('pool', 'gpu'), fc.constantFrom('a', 'b'), { maxKeys: 2 });
  const expression = fc.record({
    key: fc.constantFrom('pool', 'gpu'),
    operator: fc.constantFrom<'In' | 'NotIn'>('In', 'NotIn'),
    values: fc.uniqueArray(fc.constantFrom('a', 'b'), { minLength: 1 }),
  });
  const list: fc.Arbitrary<Omit<PrepullDocument['lists'][number], 'name'>> = fc.record({
    images: fc.uniqueArray(fc.constantFrom('a:1', 'b:1', 'c:1', 'd:1'), { minLength: 1 }),
    nodes: fc.record({ matchLabels: labels, matchExpressions: fc.array(expression, { maxLength: 2 }) }),
  });
  fc.assert(
    fc.property(fc.array(list, { minLength: 1, maxLength: 5 }), labels, (drawn, nodeLabels) => {
      const policy = buildPrepull(drawn.map((fields, index) => ({ name: `l${index}`, ...fields })));
      const node = buildNode('n', { labels: nodeLabels, unschedulable: true, ready: false });
      // As it is read back from the status.
      const kept: unknown = JSON.parse(JSON.stringify(listKeeping.keptBy(policy)));
      const references = new Set(listKeeping.referencesOn(node, kept));
      expect(references).toEqual(new Set(wantedOn(node, policy).map(({ reference }) => reference)));
    }),
  );
});
