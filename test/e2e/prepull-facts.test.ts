import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { parsePrepared } from '../../contract/prepared.ts';
import { buildExecutable } from '../../puller/executable.ts';
import { readPod } from '../../scheduler/kubernetes/pods/read-pod.ts';
import type { RunPod } from '../../scheduler/objects.ts';
import type { PrepullDocument } from '../../scheduler/prepull/policy.ts';
import { buildPod } from '../../scheduler/prepull/puller/pod.ts';
import type { ImageStates } from '../../scheduler/prepull/states/image-state.ts';
import { readImages } from '../../scheduler/prepull/states/images-of-pod.ts';
import { imagesOf } from '../../scheduler/prepull/wanted.ts';
import type { ClusterNode } from '../cluster/node.ts';
import { type PrivateRegistry, startPrivateRegistry } from '../cluster/registry.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildNode, buildRun } from '../helpers/builders.ts';
import { buildImageSpec, fillerLayers } from '../helpers/images.ts';
import { buildPrepull } from '../helpers/prepull.ts';
import { startRegistry } from '../helpers/registry.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { anyDisk } from './objects.ts';

const namespace = 'pullers';
const secret = 'registry';
const template = {
  namespace,
  image: 'docker.io/library/nodesweep:0.1.0',
  serviceAccountName: 'default',
  logLevel: 'info',
};

/** An image for another architecture, and an index that has only this image. */
const foreign = 'facts/foreign:1';
const foreignIndex = 'facts/foreign:index';

/** The images in the registry. Nothing of them could run here. */
const specs = [
  buildImageSpec({ names: ['facts/scratch:1'], command: ['/no-such-file'] }),
  buildImageSpec({ names: ['facts/user:1'], user: 'nobody-such', layers: fillerLayers('user') }),
  buildImageSpec({ names: ['facts/volume:1'], volumes: ['/data'], layers: [[{ path: 'data/file', content: 'kept' }]] }),
  buildImageSpec({ names: [foreign], architecture: 's390x', layers: fillerLayers('foreign') }),
];

describe.skipIf(process.env.KUBECONFIG !== undefined)('a puller on real kubelets', () => {
  let installation: Installation;
  let registry: PrivateRegistry;
  let nodes: readonly ClusterNode[];
  let owner: string;

  beforeAll(async () => {
    installation = await install();
    if (installation.cluster === undefined) throw new Error('this needs a cluster whose nodes can be looked into');
    nodes = installation.cluster.nodes;
    registry = await startPrivateRegistry(installation.cluster.directory);
    const written = await registry.push(specs);
    for (const image of written)
      if (image.names.includes(foreign)) await registry.pushIndex(foreignIndex, image, 's390x');
    const { kubectl, apply } = installation;
    await apply(
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      },
      {
        apiVersion: 'v1',
        kind: 'Secret',
        metadata: { name: secret, namespace },
        type: 'kubernetes.io/dockerconfigjson',
        stringData: { '.dockerconfigjson': registry.dockerConfig },
      },
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'owner.run', namespace } },
    );
    await kubectl('wait', '--for=create', '--timeout=60s', '-n', namespace, 'serviceaccount/default');
    owner = await kubectl('get', 'configmap', '-n', namespace, 'owner.run', '-o', 'jsonpath={.metadata.uid}');
  });
  afterAll(async () => {
    await installation.kubectl('delete', 'namespace', namespace, '--wait=true');
    await registry.stop();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
  });

  const deletePod = async (name: string) => {
    await installation.kubectl('delete', 'pod', '-n', namespace, name, '--wait=true', '--ignore-not-found');
  };
  /** Creates a puller as the product builds it. */
  let attempts = 0;
  const createPuller = async (lists: PrepullDocument['lists'], node: string) => {
    attempts += 1;
    const spec = buildPrepull(lists, anyDisk);
    // The ConfigMap that owns the pod has the name of the record of this run.
    const run = { ...buildRun(), name: 'owner', spec };
    const order = {
      run,
      runUid: owner,
      attempt: attempts,
      references: { bound: [], prepulled: [] },
      jobMaps: [],
      memory: undefined,
    };
    const pod = buildPod(order, buildNode(node), template);
    await installation.apply(pod);
    onTestFinished(() => deletePod(pod.metadata.name));
    return { name: pod.metadata.name, images: imagesOf(spec) };
  };
  const read = async (name: string): Promise<RunPod | undefined> => {
    const text = await installation.kubectl('get', 'pod', '-n', namespace, name, '--ignore-not-found', '-o', 'json');
    return text === '' ? undefined : readPod(JSON.parse(text));
  };
  /** Waits until no image of a puller is pulled any more. */
  const settled = (name: string) =>
    waitFor(`the images of puller ${name}`, 120_000, async () => {
      const pod = await read(name);
      const states = pod === undefined ? new Map() : readImages(pod);
      const isSettled = states.size > 0 && [...states.values()].every(({ state }) => state !== 'Pulling');
      return isSettled && pod !== undefined ? { pod, states: states as ImageStates } : undefined;
    });
  const byName = (states: ImageStates, images: readonly string[]) =>
    Object.fromEntries([...states].map(([index, state]) => [images[index]?.split('/').at(-1) ?? '', state]));

  it.each(['node-1', 'node-2'])(
    'on %s has each image of a registry with a password, whatever is in it, and the reason for the one that it cannot have (P1, P2, P3, P4, P5)',
    async (node) => {
      const names = [...specs.flatMap((spec) => spec.names), foreignIndex];
      const images = names.map((name) => `${registry.address}/${name}`);
      const list = { name: 'facts', images, imagePullSecrets: [{ name: secret }] };
      const puller = await createPuller([list], node);
      const { pod, states } = await settled(puller.name);
      const known = byName(states, puller.images);
      expect(known).toMatchObject({
        'scratch:1': { state: 'Present' },
        'user:1': { state: 'Present' },
        'volume:1': { state: 'Present' },
        'foreign:index': { state: 'Failed', cause: { reason: 'NoMatchingPlatform' } },
        // containerd looks at the platform only of images in an index. This one is there, although nothing of it could run.
        'foreign:1': { state: 'Present' },
      });
      const listed = await installation.cluster?.node(node).ctr('images', 'ls', '-q');
      for (const name of ['scratch:1', 'user:1', 'volume:1'])
        expect(listed).toContain(`${registry.address}/facts/${name}`);
      // imageID has the digest on both runtimes, so a moved tag can be noticed.
      expect(known['scratch:1']).toHaveProperty('digest', expect.stringMatching(/^sha256:[0-9a-f]{64}$/));
      const ended = await waitFor('the containers of the images to end', 60_000, async () => {
        const containers = (await read(puller.name))?.containers ?? [];
        const codes = containers.flatMap(({ state }) => (state.type === 'Terminated' ? [state.exitCode] : []));
        return codes.length === 5 ? codes : undefined;
      });
      expect(ended).toEqual([0, 0, 0, 0, 0]);
      const prepare = pod.containers?.find(({ name }) => name === 'prepare')?.state;
      const prepared = parsePrepared((prepare?.type === 'Terminated' && prepare.message) || '');
      expect(prepared).toMatchObject({ outcome: 'Ready', usedPercent: await usedPercentOf(node) });
    },
  );

  it.each(['node-1', 'node-2'])('on %s tells that a registry wants a password (P5)', async (node) => {
    const list = { name: 'facts', images: [`${registry.address}/facts/private:1`] };
    await registry.push([buildImageSpec({ names: ['facts/private:1'], layers: fillerLayers('private') })]);
    const puller = await createPuller([list], node);
    const { states } = await settled(puller.name);
    expect([...states.values()]).toMatchObject([{ state: 'Failed', cause: { reason: 'Unauthorized' } }]);
  });

  it.each(['node-1', 'node-2'])('on %s tells that a registry is down, or has no such image (P5)', async (node) => {
    const list = {
      name: 'facts',
      images: ['127.0.0.1:9/facts/down:1', `${registry.address}/facts/absent:1`],
      imagePullSecrets: [{ name: secret }],
    };
    const puller = await createPuller([list], node);
    const { states } = await settled(puller.name);
    expect(byName(states, puller.images)).toMatchObject({
      'down:1': { state: 'Failed', cause: { reason: 'RegistryUnavailable' } },
      'absent:1': { state: 'Failed', cause: { reason: 'NotFound' } },
    });
  });

  it.each(['node-1', 'node-2'])(
    'on %s tells nothing of its images before it has gone through all of them, and goes through them also when it is deleted (P17)',
    async (node) => {
      const directory = await mkdtemp(join(tmpdir(), 'slow-registry-'));
      const names = [`slow/first-${node}:1`, `slow/second-${node}:1`];
      const slow = await startRegistry(
        names.map((name) => buildImageSpec({ names: [name], layers: fillerLayers(name) })),
        directory,
      );
      onTestFinished(async () => {
        await slow.stop();
        await rm(directory, { recursive: true });
      });
      const held = await slow.holdLastLayer(names[1] ?? '');
      const puller = await createPuller(
        [{ name: 'slow', images: names.map((name) => `${slow.address}/${name}`) }],
        node,
      );
      await held.asked;
      await installation.kubectl('delete', 'pod', '-n', namespace, puller.name, '--wait=false');
      await sleep(10_000);
      const terminating = await read(puller.name);
      held.release();
      expect(terminating).toMatchObject({ deletionTimestamp: expect.any(Date) });
      expect([...readImages(terminating ?? {})]).toEqual([
        [0, { state: 'Pulling' }],
        [1, { state: 'Pulling' }],
      ]);
      await waitFor('the pod to go', 60_000, async () => (await read(puller.name)) === undefined || undefined);
      // The kubelet does not cancel what the deleted pod has begun, so both images are there in the end.
      const listed = await installation.cluster?.node(node).ctr('images', 'ls', '-q');
      for (const name of names) expect(listed).toContain(`${slow.address}/${name}`);
    },
  );

  /** The usage of the filesystem with the images of a node in the measure of the kubelet, rounded as the puller does. */
  async function usedPercentOf(name: string): Promise<unknown> {
    const node = nodes.find((candidate) => candidate.name === name);
    const [total, available, files, free] = (
      (await node?.run('stat', '--file-system', '--format=%b %a %c %d', '/var/lib/containerd')) ?? ''
    )
      .split(' ')
      .map(Number) as [number, number, number, number];
    const percent = Math.max(1 - available / total, files === 0 ? 0 : 1 - free / files) * 100;
    // Something may be written between the two measurements.
    return expect.closeTo(percent, 0);
  }
});

it('the executable for arm64 ends with exit code 0 on an emulated processor (P3)', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'executable-'));
  const path = join(directory, 'done');
  await writeFile(path, buildExecutable('arm64'), { mode: 0o755 });
  const { exitCode, all } = await execa('qemu-aarch64', [path], { all: true });
  await rm(directory, { recursive: true });
  expect({ exitCode, all }).toEqual({ exitCode: 0, all: '' });
});
