import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test as base, describe, vi } from 'vitest';
import { annotation } from '../../../contract/labels.ts';
import { imageOverviews } from '../../../scheduler/prepull/overview.ts';
import type { PrepullPolicy } from '../../../scheduler/prepull/policy.ts';
import { isFinished } from '../../../scheduler/run/run.ts';
import { buildImage, buildRegistryImage, buildSimulatedNode } from '../../fixtures/simulated/node.ts';
import { LocalHost, type LocalProcess } from '../../helpers/local-host.ts';

const [api, web, tool] = ['docker.io/acme/api:1', 'docker.io/acme/web:1', 'docker.io/acme/tool:1'];
const registry = {
  [api]: buildRegistryImage('api'),
  [web]: buildRegistryImage('web'),
  [tool]: buildRegistryImage('tool'),
};
const node = buildSimulatedNode();
const both = [{ name: 'base', images: [api, web] }];
const quick = { schedule: '0 3 1 1 *', rollout: { parallelism: '100%' } };
/** Long enough for a busy machine. A run waits as long for an image that its registry does not have. */
const shortTimeout = { imagePullTimeoutSeconds: 15 };
const nightly = { schedule: '0 3 * * *', images: { keepSideLoaded: false, minAge: '0s' } };
const patience = { timeout: 120_000, interval: 200 };
const runAt = (request: string) => ({ [annotation.runAt]: request });

interface Fixtures {
  /** A machine with two nodes, `east` and `west`. */
  readonly host: LocalHost;
  /** Starts a scheduler on the host; it ends with the test. */
  readonly start: () => LocalProcess;
}

const test = base.extend<Fixtures>({
  host: async ({ task: _ }, use) => {
    const host = await LocalHost.create({ east: node, west: node });
    host.setRegistry(registry);
    await use(host);
    await host.remove();
  },
  start: async ({ host }, use) => {
    const started: LocalProcess[] = [];
    await use(() => {
      const local = host.start();
      started.push(local);
      return local;
    });
    await Promise.all(started.map((local) => local.end('SIGTERM')));
  },
});

/** The ended runs of a policy, the oldest first. */
async function endedRuns(host: LocalHost, policy = 'lists') {
  const runs = (await host.runs()).filter((run) => run.policy === policy && isFinished(run));
  return runs.toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime());
}

/** Waits for the end of this many runs of a policy, and returns the last one. */
function untilEnded(host: LocalHost, count: number, policy = 'lists') {
  return vi.waitFor(async () => {
    const runs = await endedRuns(host, policy);
    const last = runs.at(-1);
    if (runs.length < count || last === undefined) throw new Error(`${runs.length} of ${count} runs have ended`);
    return last;
  }, patience);
}

async function overviewOf(host: LocalHost) {
  const runs = await endedRuns(host);
  return imageOverviews(runs.at(-1)?.spec as PrepullPolicy, runs);
}

describe.concurrent('image lists with nodesweep local', { timeout: 300_000 }, () => {
  test('a new policy brings its images to all nodes at once, and holds them (P9, P2)', async ({
    host,
    start,
    expect,
  }) => {
    const selecting = { name: 'tools', images: [tool], nodes: { matchLabels: { 'kubernetes.io/hostname': 'west' } } };
    await host.writeLists('lists', { ...quick, lists: [...both, selecting] });
    const local = start();
    await local.line('2 of 2 nodes succeeded; 5 of 5 images present');

    expect(host.imagesOf('east').sort()).toEqual([api, web]);
    expect(host.imagesOf('west').sort()).toEqual([api, tool, web]);
    expect((await endedRuns(host)).map(({ trigger }) => trigger.type)).toEqual(['Nodes']);
    expect(await host.files('pullers')).toHaveLength(2);
    expect((await overviewOf(host)).find(({ image }) => image === api)).toMatchObject({
      nodes: { desired: 2, present: 2 },
      digests: [registry[api]?.digest],
    });
  });

  test('one image that fails keeps none of the others, and has the words of the registry (P2, P5, P7)', async ({
    host,
    start,
    expect,
  }) => {
    host.setRegistry({ ...registry, [web]: buildRegistryImage('web', { private: true }) });
    const lists = [{ name: 'base', images: [api, web, 'docker.io/acme/missing:1'] }];
    await host.writeLists('lists', { ...quick, ...shortTimeout, lists });
    start();
    expect(await untilEnded(host, 1)).toMatchObject({ phase: 'Failed', reason: 'NodesFailed' });
    expect(host.imagesOf('east')).toEqual([api]);
    const seen = new Map((await overviewOf(host)).map(({ image, failures }) => [image, failures]));
    expect(seen.get('docker.io/acme/missing:1')).toEqual([
      {
        state: 'Failed',
        reason: 'NotFound',
        message: 'docker.io/acme/missing:1: not found',
        count: 2,
        nodes: ['east', 'west'],
      },
    ]);
    expect(seen.get(web)).toMatchObject([{ reason: 'Unauthorized', message: expect.stringMatching(/^pull access/) }]);
    // A pod with only the image that is there holds it.
    await vi.waitFor(async () => expect(await host.files('pullers')).toHaveLength(2), patience);

    host.setRegistry({ ...registry, 'docker.io/acme/missing:1': buildRegistryImage('missing') });
    await host.writeLists('lists', { ...quick, ...shortTimeout, lists }, runAt('fixed'));
    expect(await untilEnded(host, 2)).toMatchObject({ phase: 'Succeeded' });
  });

  test('a cleaning policy keeps what a list wants, and removes it when no list wants it (P11, P12)', async ({
    host,
    start,
    expect,
  }) => {
    const old = buildImage('docker.io/acme/old:1');
    host.setNodes({ east: buildSimulatedNode({ images: [old] }) });
    await host.writeLists('lists', { ...quick, lists: both });
    const local = start();
    await untilEnded(host, 1);
    await host.writePolicy('nightly', nightly, 'first');
    expect(await untilEnded(host, 1, 'nightly')).toMatchObject({ phase: 'Succeeded' });
    expect(host.imagesOf('east').sort()).toEqual([api, web]);
    expect(JSON.parse(await local.line(`"names":["${api}"`))).toMatchObject({ decision: 'keep', reason: 'Prepulled' });

    await host.writeLists('lists', { ...quick, lists: [{ name: 'base', images: [api] }] }, runAt('without web'));
    await untilEnded(host, 2);
    expect(host.imagesOf('east')).toEqual([api]);
  });

  test('an image that a held pod of another policy still holds stays until its next refresh (P12, P13)', async ({
    host,
    start,
    expect,
  }) => {
    host.setNodes({ east: node });
    await host.writeLists('lists', { ...quick, lists: both });
    start();
    await untilEnded(host, 1);
    // The edit starts no run, because it adds nothing.
    await host.writeLists('lists', { ...quick, lists: [{ name: 'base', images: [api] }] });
    await host.writePolicy('nightly', nightly, 'first');
    await untilEnded(host, 1, 'nightly');
    expect(host.imagesOf('east').sort()).toEqual([api, web]);
  });

  test('a purge removes the images of the policy but those that another wants (P15, P13)', async ({
    host,
    start,
    expect,
  }) => {
    host.setNodes({ east: node });
    await host.writeLists('lists', { ...quick, lists: both });
    await host.writeLists('other', { ...quick, lists: [{ name: 'base', images: [web, tool] }] });
    start();
    await Promise.all([untilEnded(host, 1), untilEnded(host, 1, 'other')]);
    await host.writeLists('lists', { ...quick, lists: both }, { [annotation.purgeAt]: 'now' });
    expect(await untilEnded(host, 2)).toMatchObject({ phase: 'Succeeded', trigger: { type: 'Purge' } });
    expect(host.imagesOf('east').sort()).toEqual([tool, web]);
  });

  test('a node that is full is skipped before anything is pulled (P16)', async ({ host, start, expect }) => {
    const { filesystem } = node;
    const full = buildSimulatedNode({ filesystem: { ...filesystem, otherBytes: 81e9 } });
    host.setNodes({ east: full, west: node });
    await host.writeLists('lists', { ...quick, lists: both });
    start();
    const run = await untilEnded(host, 1);
    expect(run.nodes.get('east')).toMatchObject({ result: 'Skipped', reason: 'DiskTooFull' });
    expect(host.imagesOf('east')).toEqual([]);
    expect(host.imagesOf('west').sort()).toEqual([api, web]);
  });

  test('with Always, a refresh brings a tag that has moved, and fails while the registry is down (P8)', async ({
    host,
    start,
    expect,
  }) => {
    host.setNodes({ east: node });
    const lists = [{ name: 'base', images: [api], imagePullPolicy: 'Always' }];
    await host.writeLists('lists', { ...quick, ...shortTimeout, lists });
    start();
    await untilEnded(host, 1);
    const moved = { ...registry, [api]: buildRegistryImage('api, a later version') };
    host.setRegistry(moved, true);
    await host.writeLists('lists', { ...quick, ...shortTimeout, lists }, runAt('down'));
    await untilEnded(host, 2);
    expect((await overviewOf(host))[0]?.failures).toMatchObject([{ state: 'Stale', reason: 'RegistryUnavailable' }]);
    host.setRegistry(moved);
    await host.writeLists('lists', { ...quick, ...shortTimeout, lists }, runAt('up'));
    await untilEnded(host, 3);
    expect((await overviewOf(host))[0]?.digests).toEqual([moved[api]?.digest]);
  });

  test('after a restart, held pods stay, a pull that was interrupted goes on, and a new node is served (P19, P9)', async ({
    host,
    start,
    expect,
  }) => {
    const slow = 'docker.io/acme/slow:1';
    host.setRegistry({ ...registry, [slow]: buildRegistryImage('slow', { seconds: 1.5 }) });
    host.setNodes({ east: node });
    await host.writeLists('lists', { ...quick, lists: both });
    await host.writeLists('slow', { ...quick, lists: [{ name: 'base', images: [slow] }] });
    const first = start();
    await untilEnded(host, 1);
    await vi.waitFor(async () => expect(await host.files('pullers')).toHaveLength(2), patience);
    await first.end('SIGKILL');
    const held = await host.files('pullers');

    host.addNodes({ west: node });
    start();
    expect(await untilEnded(host, 1, 'slow')).toMatchObject({ phase: 'Succeeded' });
    expect((await untilEnded(host, 2)).nodes.get('west')).toMatchObject({ result: 'Succeeded' });
    expect(host.imagesOf('east').sort()).toEqual([api, slow, web]);
    expect(host.imagesOf('west')).toEqual(expect.arrayContaining([api, web]));
    expect(await host.files('pullers')).toEqual(expect.arrayContaining(held));
    expect((await endedRuns(host, 'slow'))[0]?.nodes.get('east')).toMatchObject({ attempts: 1 });
  });

  test('a deleted policy takes its images with it, also if the scheduler was down (P14)', async ({
    host,
    start,
    expect,
  }) => {
    host.setNodes({ east: node });
    await host.writeLists('lists', { ...quick, lists: both });
    await host.writeLists('left', { ...quick, removalPolicy: 'Retain', lists: [{ name: 'base', images: [tool] }] });
    const first = start();
    await Promise.all([untilEnded(host, 1), untilEnded(host, 1, 'left')]);
    await first.end('SIGTERM');
    await Promise.all(['lists', 'left'].map((name) => rm(join(host.policies, `${name}.yaml`))));

    const second = start();
    await vi.waitFor(() => expect(host.imagesOf('east')).toEqual([tool]), patience);
    await vi.waitFor(async () => expect(await host.files('ledgers')).toEqual([]), patience);
    await second.end('SIGTERM');
    expect([await host.files('runs'), await host.files('pullers'), await host.files('pods')]).toEqual([[], [], []]);
  });

  test('a policy that is deleted during its run ends its pulls, and leaves no pod behind', async ({
    host,
    start,
    expect,
  }) => {
    host.setRegistry({ [api]: buildRegistryImage('api', { seconds: 600 }) });
    await host.writeLists('lists', {
      ...quick,
      lists: [{ name: 'base', images: [api] }],
    });
    const local = start();
    await vi.waitFor(async () => expect(await host.files('pullers')).toHaveLength(2), patience);
    await rm(join(host.policies, 'lists.yaml'));
    await vi.waitFor(async () => expect(await host.files('pullers')).toEqual([]), patience);
    expect((await local.end('SIGTERM')).exitCode).toBe(0);
    expect(host.imagesOf('east')).toEqual([]);
  });

  test('a pull that takes too long has failed after the deadline of the run (P17)', async ({ host, start, expect }) => {
    host.setNodes({ east: node });
    host.setRegistry({ [api]: buildRegistryImage('api', { seconds: 600 }) });
    const document = { ...quick, activeDeadlineSeconds: 3 };
    await host.writeLists('lists', { ...document, lists: [{ name: 'base', images: [api] }] });
    start();
    const run = await untilEnded(host, 1);
    expect(run.phase).toBe('Failed');
    expect(JSON.stringify([run.reason, [...run.nodes.values()]])).toContain('Deadline');
    await vi.waitFor(async () => expect(await host.files('pullers')).toEqual([]), patience);
  });
});
