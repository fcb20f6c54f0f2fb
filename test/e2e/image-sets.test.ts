import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { planSchema } from '../../contract/plan-document.ts';
import { buildBinaries } from '../cluster/binaries.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ClusterNode } from '../cluster/node.ts';
import { waitFor } from '../cluster/wait.ts';
import { bundledProgram } from '../helpers/bundle.ts';
import { buildImageSpec, buildRunnableImageSpec, fillerLayers, writeImages } from '../helpers/images.ts';
import { buildUserPod, readImageNames } from './images.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { buildPolicy, namespace, type RunDocument, readEvents, readImageLines, readRuns } from './objects.ts';

const policy = 'with-sets';
const all = ['used', 'vulnerable', 'frozen', 'other'].map((name) => `sets.test/${name}:1`).sort();
const document = {
  schedule: '@yearly',
  // Nothing but a set calls for a removal.
  disk: { highPercent: 100, lowPercent: 99 },
  images: {
    include: ['sets.test/**'],
    minAge: '1h',
    keepSideLoaded: false,
    excludeFrom: ['frozen'],
    removeFrom: ['cve-critical'],
    maxSetAge: '1d',
  },
};

let installation: Installation;
let cluster: Cluster;

beforeAll(async () => {
  installation = await install();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
});

function buildSet(name: string, lines: readonly string[]): object {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name,
      namespace,
      labels: { 'nodesweep.io/kind': 'image-set' },
      annotations: { 'nodesweep.io/updated-at': new Date().toISOString() },
    },
    data: { 'images.txt': lines.join('\n') },
  };
}

/** Asks for a run, and waits for its end. */
async function runAgain(request: string): Promise<RunDocument> {
  const { kubectl, apply } = installation;
  const before = (await readRuns(kubectl, policy)).map(({ run }) => run);
  await apply(buildPolicy(policy, document, { 'nodesweep.io/run-at': request }));
  return waitFor(`the run on request ${request}`, 120_000, async () =>
    (await readRuns(kubectl, policy)).find(({ run, phase }) => !before.includes(run) && phase !== 'Running'),
  );
}

async function readCondition(): Promise<{ status: string; reason: string; message: string } | undefined> {
  const text = await installation.kubectl('get', 'configmap', '-n', namespace, `${policy}.status`, '-o', 'json');
  const { conditions } = parse(JSON.parse(text).data['status.yaml']);
  return conditions.find(({ type }: { type: string }) => type === 'ImageSets');
}

function waitForCondition(reason: string): Promise<{ message: string }> {
  return waitFor(`the condition ${reason}`, 30_000, async () => {
    const condition = await readCondition();
    return condition?.reason === reason ? condition : undefined;
  });
}

/** The image lines of a run about an image, one for each node. */
async function linesOf(run: RunDocument, image: string) {
  const lines = await readImageLines(installation.kubectl, policy);
  return lines.filter((line) => 'run' in line && line.run === run.run && line.names.includes(image));
}

async function imagesOf(node: ClusterNode): Promise<readonly string[]> {
  return (await readImageNames(node)).filter((name) => name.startsWith('sets.test/') && !name.includes('@'));
}

const imagesOnNodes = () => Promise.all(cluster.nodes.map(imagesOf));
const readTold = async () =>
  (await readEvents(installation.kubectl, policy))
    .map(({ reason }) => reason)
    .filter((reason) => /^ImageSet/.test(reason));

describe.skipIf(process.env.KUBECONFIG !== undefined)('image sets on two nodes', () => {
  beforeAll(async () => {
    if (installation.cluster === undefined) throw new Error('this needs a cluster whose nodes can be looked into');
    cluster = installation.cluster;
    const { program } = await buildBinaries();
    const directory = await mkdtemp(join(tmpdir(), 'nodesweep-sets-'));
    const tar = join(directory, 'images.tar');
    const unused = all.filter((name) => !name.includes('used'));
    const specs = [
      await buildRunnableImageSpec('sets.test/used:1', program),
      ...unused.map((name) => buildImageSpec({ names: [name], layers: fillerLayers(name) })),
    ];
    const written = await writeImages(tar, specs);
    for (const node of cluster.nodes) {
      await node.importImages(tar, written);
      await installation.apply(buildUserPod(`sets-${node.name}`, node.name, 'sets.test/used:1'));
    }
    await rm(directory, { recursive: true });
    for (const { name } of cluster.nodes)
      await installation.kubectl('wait', '--for=condition=Ready', '--timeout=60s', `pod/sets-${name}`);
  });

  afterAll(async () => {
    const { kubectl } = installation;
    await kubectl('delete', 'pods', '-n', 'default', ...cluster.nodes.map(({ name }) => `sets-${name}`));
    await kubectl('delete', 'configmap', '-n', namespace, '--ignore-not-found', policy, 'frozen', 'cve-critical');
  });

  it('that are missing remove nothing, and the run, the status and an Event say so (S3, S6)', async () => {
    const run = await runAgain('without sets');
    expect(run).toMatchObject({ phase: 'Failed', nodes: { desired: 2, failed: 2 }, images: { removed: 0 } });
    expect(run.problems).toMatchObject([
      { reason: 'ImageSetUnreadable', message: expect.stringContaining('image set frozen') },
      { reason: 'ImageSetUnreadable', message: expect.stringContaining('image set frozen') },
    ]);
    expect(await imagesOnNodes()).toEqual([all, all]);
    const { message } = await waitForCondition('SetMissing');
    expect(message).toContain('images.excludeFrom[0]: image set frozen does not exist in namespace nodesweep: create');
    expect(message).toContain('images.removeFrom[0]: image set cve-critical does not exist');
    expect(await readTold()).toEqual(['ImageSetProblem']);
  });

  it('that appear remove the unused image on both nodes, keep the used and the excluded one, and say why (S3, S4, S6, S7)', async () => {
    const vulnerable = ['used', 'vulnerable', 'frozen'].map((name) => `sets.test/${name}:1`);
    await installation.apply(
      buildSet('cve-critical', ['# by a scanner', ...vulnerable.map((name) => `${name} # CVE-2026-1234 critical`)]),
      buildSet('frozen', ['sets.test/frozen:1 # release 12']),
    );
    await waitForCondition('AllReadable');
    const run = await runAgain('with sets');
    expect(run).toMatchObject({
      phase: 'Succeeded',
      nodes: { succeeded: 2 },
      images: { removed: 2 },
      sets: { 'cve-critical': { removed: 2 }, frozen: { removed: 0, kept: 2 } },
    });
    const left = all.filter((name) => !name.includes('vulnerable'));
    expect(await imagesOnNodes()).toEqual([left, left]);
    const removed = {
      outcome: 'removed',
      set: 'cve-critical',
      message: 'image set cve-critical: CVE-2026-1234 critical',
    };
    expect(await linesOf(run, 'sets.test/vulnerable:1')).toMatchObject([removed, removed]);
    const kept = { reason: 'Excluded', set: 'frozen', message: 'image set frozen: release 12' };
    expect(await linesOf(run, 'sets.test/frozen:1')).toMatchObject([kept, kept]);
    expect(await linesOf(run, 'sets.test/used:1')).toMatchObject([{ reason: 'InUse' }, { reason: 'InUse' }]);
    expect(await linesOf(run, 'sets.test/other:1')).toMatchObject([{ decision: 'keep' }, { decision: 'keep' }]);
    expect(await readTold()).toEqual(['ImageSetProblem', 'ImageSetsReadable']);
  });

  it('are in the plan of a node, as a run would read them (S7)', async () => {
    const [{ name = '' } = {}] = cluster.nodes;
    const env = { KUBECONFIG: cluster.kubeconfig };
    const options = ['plan', policy, '--node', name, '-o', 'json'];
    const { stdout, stderr } = await execa(process.execPath, [bundledProgram(), ...options], { reject: false, env });
    expect(stderr).toBe('');
    const { images } = planSchema.parse(JSON.parse(stdout));
    const frozen = images.find(({ names }) => names.includes('sets.test/frozen:1'));
    expect(frozen).toMatchObject({ decision: 'keep', set: 'frozen', message: 'image set frozen: release 12' });
  });

  it('that are edited count for the next pod (S3, S4)', async () => {
    await installation.apply(buildSet('frozen', ['# nothing is frozen']));
    const run = await runAgain('thawed');
    expect(run).toMatchObject({ phase: 'Succeeded', images: { removed: 2 } });
    const left = ['sets.test/other:1', 'sets.test/used:1'];
    expect(await imagesOnNodes()).toEqual([left, left]);
  });
});
