import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type PlanDocument, planSchema } from '../../contract/plan-document.ts';
import { buildBinaries } from '../cluster/binaries.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { ClusterNode } from '../cluster/node.ts';
import { waitFor } from '../cluster/wait.ts';
import { bundledProgram } from '../helpers/bundle.ts';
import { buildImageSpecs, buildRunnableImageSpec, writeImages } from '../helpers/images.ts';
import { buildUserPod, readImageNames } from './images.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { buildPolicy, getJson, namespace, waitForRun } from './objects.ts';

const deployment = 'deployment/nodesweep-scheduler';
const images = { include: ['plan.test/**'], exclude: ['**/kept-*'], minAge: '0s', keepSideLoaded: false };
let installation: Installation;

beforeAll(async () => {
  installation = await install();
});
afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
});

/** The command line of somebody who looks at the cluster from outside. */
function nodesweep(...arguments_: readonly string[]) {
  const KUBECONFIG = installation.cluster?.kubeconfig ?? process.env.KUBECONFIG;
  return execa(process.execPath, [bundledProgram(), ...arguments_], { reject: false, env: { KUBECONFIG } });
}

async function plan(...arguments_: readonly string[]): Promise<PlanDocument> {
  const { stdout, stderr } = await nodesweep('plan', 'looked-at', '-o', 'json', ...arguments_);
  expect(stderr).toBe('');
  return planSchema.parse(JSON.parse(stdout));
}

async function expectNothingLeft(): Promise<void> {
  expect((await getJson(installation.kubectl, 'pods,configmaps', 'nodesweep.io/kind=plan')).items).toEqual([]);
}

/** One image in use, one excluded, three that can go. */
async function importImages(node: ClusterNode, program: string): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'nodesweep-plan-'));
  const tar = join(directory, 'images.tar');
  const specs = [
    await buildRunnableImageSpec('plan.test/used:1', program),
    ...buildImageSpecs('plan.test/kept', 1),
    ...buildImageSpecs('plan.test/junk', 3),
  ];
  await node.importImages(tar, await writeImages(tar, specs));
  await rm(directory, { recursive: true });
  await installation.apply(buildUserPod(`planned-${node.name}`, node.name, 'plan.test/used:1'));
}

/** Of the images of this test, how many were decided so. */
function countDecisions({ images }: PlanDocument): Record<string, number> {
  const ours = images.filter(({ names }) => names.some((name) => name.startsWith('plan.test/')));
  const groups = Object.groupBy(ours, ({ decision, reason }) => reason ?? decision);
  return Object.fromEntries(Object.entries(groups).map(([decision, some = []]) => [decision, some.length]));
}

describe.skipIf(process.env.KUBECONFIG !== undefined)('a plan of a node of the cluster', () => {
  const expected = { InUse: 1, Excluded: 1, remove: 3 };
  let cluster: Cluster;

  beforeAll(async () => {
    if (installation.cluster === undefined) throw new Error('this needs a cluster whose nodes can be looked into');
    cluster = installation.cluster;
    const { program } = await buildBinaries();
    for (const node of cluster.nodes) await importImages(node, program);
    for (const { name } of cluster.nodes) {
      await installation.kubectl('wait', '--for=condition=Ready', '--timeout=60s', `pod/planned-${name}`);
    }
    await installation.apply(buildPolicy('looked-at', { schedule: '@yearly', dryRun: true, images }));
  });

  afterAll(async () => {
    const { kubectl } = installation;
    await kubectl('delete', 'pods', '-n', 'default', ...cluster.nodes.map(({ name }) => `planned-${name}`));
    await kubectl('delete', 'configmap', '-n', namespace, 'looked-at');
  });

  it('is made by a pod if there was no run yet; it removes nothing and leaves nothing behind', async () => {
    for (const node of cluster.nodes) {
      const before = await readImageNames(node);
      const planned = await plan('--node', node.name);
      expect(planned).toMatchObject({ version: 1, policy: 'looked-at', node: node.name });
      expect(planned.run).toBeUndefined();
      expect(countDecisions(planned)).toEqual(expected);
      expect(planned.images).toContainEqual(expect.objectContaining({ usedBy: [`default/planned-${node.name}/main`] }));
      expect(await readImageNames(node)).toEqual(before);
      await expectNothingLeft();
    }
  });

  it('is the same as what a dry run did, which the status of the node shows', async () => {
    const { kubectl, apply } = installation;
    const policy = { schedule: '@yearly', dryRun: true, images };
    await apply(buildPolicy('looked-at', policy, { 'nodesweep.io/run-at': 'now' }));
    const { run } = await waitForRun(kubectl, 'looked-at');
    for (const { name } of cluster.nodes) {
      const { stdout } = await nodesweep('status', 'looked-at', '--node', name, '-o', 'json');
      const status = JSON.parse(stdout);
      expect(status).toMatchObject({ run, node: name, result: 'Succeeded' });
      const reported = planSchema.parse(status.plan);
      expect(reported).toMatchObject({ run, node: name });
      const fresh = await plan('--node', name);
      expect(fresh.run).toBeUndefined();
      for (const planned of [reported, fresh]) expect(countDecisions(planned)).toMatchObject({ InUse: 1, Excluded: 1 });
      const removals = ({ images }: PlanDocument) =>
        images
          .filter(({ decision }) => decision === 'remove')
          .map(({ id }) => id)
          .toSorted();
      expect(removals(fresh)).toEqual(removals(reported));
      await expectNothingLeft();
    }
    const { stdout } = await nodesweep('status', 'looked-at', '--node', 'node-1');
    expect(stdout).toMatch(/^IMAGE .*REASON\n[\s\S]*\nplan\.test\/used:1 .* keep +InUse\n/m);
  });

  it('explains an image by every rule', async () => {
    const { stdout } = await nodesweep('explain', 'plan.test/used:1', 'looked-at', '--node', 'node-2');
    expect(stdout).toMatch(/\nUsed by: +default\/planned-node-2\/main\n/);
    expect(stdout).toMatch(/\nInUse +yes +used by default\/planned-node-2\/main\n/);
    expect(stdout).toMatch(/\nExcluded +no /);
    await expectNothingLeft();
  });

  it('names the pod that cannot start with the reason, by the settings of the scheduler, and leaves nothing behind (C17)', async () => {
    const { kubectl } = installation;
    const set = async (assignment: string) => {
      await kubectl('set', 'env', '-n', namespace, deployment, assignment);
      await kubectl('rollout', 'status', '-n', namespace, deployment, '--timeout=60s');
    };
    await set('NODESWEEP_SOCKETS=/run/missing.sock');
    onTestFinished(() => set('NODESWEEP_SOCKETS-'));
    const asked = ['plan', 'looked-at', '--node', 'node-1'];
    const { stderr, exitCode } = await nodesweep(...asked, '--timeout', '15');
    expect(stderr).toMatch(
      /^nodesweep: pod nodesweep-plan-\w+ on node node-1 did not end within 15 s: FailedMount: .*missing\.sock/,
    );
    expect(exitCode).toBe(2);
    await expectNothingLeft();

    const interrupted = nodesweep(...asked);
    await waitFor('the pod of the plan', 20_000, async () => {
      const { items } = await getJson(kubectl, 'pods', 'nodesweep.io/kind=plan');
      return items.length > 0 || undefined;
    });
    interrupted.kill('SIGINT');
    expect(await interrupted).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/interrupted; pod \S+ was deleted/),
    });
    await expectNothingLeft();
  });
});
