import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { buildBinaries } from '../cluster/binaries.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildUserPod, type Fixture, importFixture, readImageNames } from './images.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { buildPolicy, type ImageLine, namespace, readImageLines, readPodNodes, waitForRun } from './objects.ts';

const images = { include: ['registry.test/**'], exclude: ['**/base/**'], minAge: '0s', keepSideLoaded: false };
let installation: Installation;

beforeAll(async () => {
  installation = await install();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
});

const names = (lines: readonly ImageLine[]) => lines.flatMap((line) => line.names).sort();

describe.skipIf(process.env.KUBECONFIG !== undefined)('two nodes with 30 images each', () => {
  let cluster: Cluster;
  const fixtures = new Map<string, Fixture>();
  const fixtureOf = (node: string) => fixtures.get(node) as Fixture;

  beforeAll(async () => {
    if (installation.cluster === undefined) throw new Error('this needs a cluster whose nodes can be looked into');
    cluster = installation.cluster;
    const { program } = await buildBinaries();
    for (const node of cluster.nodes) {
      const fixture = await importFixture(node, program);
      fixtures.set(node.name, fixture);
      const { running, exited, otherTag, usedByTag, usedByDigest } = fixture.keep;
      const pods = { running, 'two-tags': otherTag, tag: usedByTag, digest: usedByDigest };
      await installation.apply(
        ...Object.entries(pods).map(([name, image]) => buildUserPod(`${name}-${node.name}`, node.name, image)),
        buildUserPod(`exited-${node.name}`, node.name, exited, 'Never'),
      );
    }
    await waitFor('the pods that use images', 60_000, async () => {
      const phases = await installation.kubectl(
        'get',
        'pods',
        '-n',
        'default',
        '-o',
        'jsonpath={.items[*].status.phase}',
      );
      const count = (phase: string) => phases.split(' ').filter((word) => word === phase).length;
      return (count('Running') === 8 && count('Succeeded') === 2) || undefined;
    });
  });

  it('a dry run removes nothing, and reports the plan that the next run carries out (C33, T2, T4, T10)', async () => {
    const { kubectl, apply } = installation;
    const before = await Promise.all(cluster.nodes.map(readImageNames));
    await apply(buildPolicy('plan', { schedule: '@yearly', dryRun: true, images }, { 'nodesweep.io/run-at': 'now' }));
    const run = await waitForRun(kubectl, 'plan');
    expect(run).toMatchObject({
      phase: 'Succeeded',
      nodes: { desired: 2, succeeded: 2 },
      images: { planned: 48, removed: 0 },
      bytes: { freed: 0 },
    });
    expect(await Promise.all(cluster.nodes.map(readImageNames))).toEqual(before);
    const lines = await readImageLines(kubectl, 'plan');
    for (const node of cluster.nodes) {
      const planned = lines.filter((line) => line.node === node.name && line.decision === 'remove');
      expect(names(planned)).toEqual([...fixtureOf(node.name).remove].sort());
      expect(new Set(planned.map(({ outcome }) => outcome))).toEqual(new Set(['planned']));
    }
    await kubectl('delete', 'configmap', '-n', namespace, 'plan');
  });

  it('at the next scheduled time one pod on each node removes exactly the unused images; record and logs agree; the pods are deleted after the TTL (C1, C15, C30, C32)', async () => {
    const { kubectl, apply } = installation;
    const before = new Map(
      await Promise.all(cluster.nodes.map(async (node) => [node.name, await readImageNames(node)] as const)),
    );
    await apply(buildPolicy('minutely', { schedule: '* * * * *', ttlSecondsAfterFinished: 10, images }));
    const run = await waitForRun(kubectl, 'minutely');
    const lines = await readImageLines(kubectl, 'minutely');
    expect(await readPodNodes(kubectl, 'minutely')).toEqual(['node-1', 'node-2']);
    await apply(buildPolicy('minutely', { schedule: '* * * * *', ttlSecondsAfterFinished: 10, images, suspend: true }));

    expect(run).toMatchObject({
      phase: 'Succeeded',
      trigger: { type: 'Schedule' },
      nodes: { succeeded: 2, failed: 0, skipped: 0 },
    });
    for (const node of cluster.nodes) {
      const { remove, keep } = fixtureOf(node.name);
      const left = await readImageNames(node);
      expect(
        (before.get(node.name) ?? []).filter((name) => !left.includes(name) && !name.startsWith('sha256:')),
      ).toEqual([...remove].sort());
      expect(left).toEqual(expect.arrayContaining(Object.values(keep)));
    }
    const removed = lines.filter(({ outcome }) => outcome === 'removed');
    expect(removed).toHaveLength(run.images.removed);
    expect(run.images.removed).toBe(48);
    const restarts = await kubectl(
      'get',
      'pods',
      '-n',
      'default',
      '-o',
      'jsonpath={.items[*].status.containerStatuses[*].restartCount}',
    );
    expect(new Set(restarts.split(' '))).toEqual(new Set(['0']));
    await waitFor(
      'the TTL to end the pods',
      30_000,
      async () => (await readPodNodes(kubectl, 'minutely')).length === 0 || undefined,
    );
    await kubectl('delete', 'configmap', '-n', namespace, 'minutely');
  });
});
