import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { buildBinaries } from '../cluster/binaries.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { findCrictl } from '../cluster/crictl.ts';
import type { ClusterNode } from '../cluster/node.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildRunnableImageSpec, writeImages } from '../helpers/images.ts';
import { searchPath } from '../helpers/test-node.ts';
import { type HeldRuntime, holdRuntime } from './held-runtime.ts';
import { readImageNames } from './images.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { buildBoundPod, buildPolicy, namespace, readImageLines, readPodNodes, waitForRun } from './objects.ts';
import { setEnvironment } from './scheduler-pod.ts';

const fetcher = 'starting.test/fetch-model:1';
const server = 'starting.test/model-server:7';
const restarted = 'starting.test/restarted:1';
const unused = 'starting.test/unused:1';
const images = { include: ['starting.test/**'], minAge: '0s', keepSideLoaded: false };

describe.skipIf(process.env.KUBECONFIG !== undefined)('on real kubelets', () => {
  let installation: Installation;
  let cluster: Cluster;
  let first: HeldRuntime;
  let directory: string;

  beforeAll(async () => {
    installation = await install();
    if (installation.cluster === undefined) throw new Error('this needs a cluster whose nodes can be looked into');
    cluster = installation.cluster;
    directory = await mkdtemp(join(tmpdir(), 'about-to-start-'));
    await importRunnables(cluster.node('node-2'), directory, [fetcher, server, restarted, unused]);
    first = await holdRuntime(cluster.node('node-1'));
    const sockets = `NODESWEEP_SOCKETS=${first.socketOnNode}@nodesweep.io/test-node=node-1`;
    await setEnvironment(installation.kubectl, sockets);
  });
  afterAll(async () => {
    await setEnvironment(installation.kubectl, 'NODESWEEP_SOCKETS-');
    await installation.kubectl('delete', 'pods', '-n', 'default', '--all', '--grace-period=1');
    first.close();
    await rm(directory, { recursive: true, force: true });
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
  });

  const waitForPod = (pod: string, path: string, wanted: RegExp) =>
    waitFor(`pod ${pod} to have a state ${wanted}`, 60_000, async () => {
      const state = await installation.kubectl('get', 'pod', '-n', 'default', pod, '-o', `jsonpath=${path}`);
      return wanted.test(state) || undefined;
    });
  /** The container does not come back: no kubelet creates one whose environment is missing. */
  const startPodThatLosesItsContainer = async () => {
    const { kubectl, apply } = installation;
    const settings = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings', namespace: 'default' } };
    const main = buildContainer(restarted, { envFrom: [{ configMapRef: { name: 'settings' } }] });
    await apply(settings, buildBoundPod('node-2', 'restarted', { containers: [main] }));
    await waitForPod('restarted', '{.status.containerStatuses[0].state}', /running/);
    await kubectl('delete', 'configmap', '-n', 'default', 'settings');
    await removeSandbox(cluster.node('node-2'), directory, 'restarted');
    const path = '{.status.phase} {.status.containerStatuses[0].state}';
    await waitForPod('restarted', path, /^Running .*CreateContainerConfigError/);
  };
  const startPodThatFetches = async () => {
    const initContainers = [buildContainer(fetcher, { name: 'fetch' })];
    await installation.apply(
      buildBoundPod('node-2', 'fetching', { initContainers, containers: [buildContainer(server)] }),
    );
    await waitForPod('fetching', '{.status.initContainerStatuses[0].state}', /running/);
  };

  it('the cleaner keeps the image of a pod that is bound to the second node during the run, and that of a running pod without its container (H4)', async () => {
    const { kubectl, apply } = installation;
    await startPodThatLosesItsContainer();
    onTestFinished(async () => {
      await kubectl('delete', 'configmap', '-n', namespace, 'waves');
    });
    const policy = { schedule: '@yearly', rollout: { parallelism: 1 }, activeDeadlineSeconds: 120, images };
    await apply(buildPolicy('waves', policy, { 'nodesweep.io/run-at': 'now' }));
    await waitFor('the first pod', 60_000, async () => (await readPodNodes(kubectl, 'waves'))[0]);
    await startPodThatFetches();
    expect(await readPodNodes(kubectl, 'waves')).toEqual(['node-1']);
    first.release();

    expect(await waitForRun(kubectl, 'waves')).toMatchObject({ phase: 'Succeeded', nodes: { succeeded: 2 } });
    const lines = (await readImageLines(kubectl, 'waves')).filter(({ node }) => node === 'node-2');
    const fateOf = (name: string) => {
      const line = lines.find(({ names }) => names.includes(name));
      return line?.reason ?? line?.outcome;
    };
    expect([fetcher, server, restarted, unused].map(fateOf)).toEqual(['InUse', 'Starting', 'Starting', 'removed']);
    const left = await readImageNames(cluster.node('node-2'));
    expect(left).toEqual(expect.arrayContaining([fetcher, server, restarted]));
    expect(left).not.toContain(unused);
  });
});

async function importRunnables(node: ClusterNode, directory: string, names: readonly string[]): Promise<void> {
  const { program } = await buildBinaries();
  const tar = join(directory, 'images.tar');
  const written = await writeImages(tar, await Promise.all(names.map((name) => buildRunnableImageSpec(name, program))));
  await node.importImages(tar, written);
}

/** Takes a pod's sandbox away, and its containers with it, as a crash of the runtime may do. */
async function removeSandbox({ socket }: ClusterNode, directory: string, pod: string): Promise<void> {
  const { path } = await findCrictl(directory);
  const endpoint = `unix://${socket}`;
  const crictl = async (...args: readonly string[]) =>
    (await execa(path, ['-t', '60s', '-r', endpoint, '-i', endpoint, ...args], { env: { PATH: searchPath } })).stdout;
  const { items } = JSON.parse(await crictl('pods', '-o', 'json'));
  const sandbox = items.find(({ metadata }: { metadata: { name: string } }) => metadata.name === pod);
  await crictl('rmp', '-f', sandbox.id);
}

/** A container of an image that is on the node. */
function buildContainer(image: string, fields: object = {}): object {
  return { name: 'main', image, imagePullPolicy: 'Never', ...fields };
}
