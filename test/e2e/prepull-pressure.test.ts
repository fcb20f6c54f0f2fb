import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheDirectory } from '../cluster/cache.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { bringProductImage } from '../cluster/product.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildImageSpec, fillerLayers } from '../helpers/images.ts';
import { type Registry, startRegistry } from '../helpers/registry.ts';
import { readImageNames } from './images.ts';
import { runNow } from './lists.ts';
import { buildBoundPod, buildPolicy, namespace, readRuns, waitForRun } from './objects.ts';

const megabyte = 1_000_000;
/** Below it, the kubelet reports pressure. */
const minimumBytes = 600 * megabyte;
const images = ['first', 'second', 'third', 'fourth'].map((name) => `pressure/${name}:1`);
const size = { layers: 1, filesPerLayer: 60, bytesPerFile: megabyte };

describe.skipIf(process.env.KUBECONFIG !== undefined)('a node whose filesystem for images becomes full', () => {
  let cluster: Cluster;
  let registry: Registry;
  let directory: string;

  beforeAll(async () => {
    cluster = await startCluster({
      directory: join(cacheDirectory(), 'e2e-pressure'),
      nodes: (['containerd-1.6', 'containerd-2'] as const).map((runtime, index) => ({
        name: `small-${index + 1}`,
        runtime,
        imageFilesystemSize: '3g',
      })),
    });
    await bringProductImage(cluster);
    directory = await mkdtemp(join(tmpdir(), 'pressure-registry-'));
    registry = await startRegistry(
      images.map((name) => buildImageSpec({ names: [name], layers: fillerLayers(name, size) })),
      directory,
    );
    await cluster.kubectl('apply', '-k', join(import.meta.dirname, '../../manifests'));
    await cluster.kubectl('rollout', 'status', '-n', namespace, 'deployment/nodesweep-scheduler', '--timeout=180s');
  });
  afterAll(async () => {
    await registry?.stop();
    await cluster?.stop();
    if (directory !== undefined) await rm(directory, { recursive: true });
  });

  const apply = async (object: object) => {
    const command = ['--kubeconfig', cluster.kubeconfig, 'apply', '-f', '-'];
    await execa('kubectl', command, { input: JSON.stringify(object) });
  };
  const hasPressure = async (node: string) => {
    const path = 'jsonpath={.status.conditions[?(@.type=="DiskPressure")].status}';
    return (await cluster.kubectl('get', 'node', node, '-o', path)) === 'True';
  };
  const pressureEndOf = async (node: string) => {
    const path = 'jsonpath={.status.conditions[?(@.type=="DiskPressure")].lastTransitionTime}';
    return new Date(await cluster.kubectl('get', 'node', node, '-o', path)).getTime();
  };
  const referencesOn = async (node: string) => {
    const names = await readImageNames(cluster.node(node));
    return images.map((image) => `${registry.address}/${image}`).filter((name) => names.includes(name));
  };
  /** All pods that the kubelet has evicted, and how often each container was started again. */
  const harm = async () => {
    const { items } = JSON.parse(await cluster.kubectl('get', 'pods', '-A', '-o', 'json'));
    return items.flatMap(({ metadata, status }: { metadata: { name: string }; status: Record<string, unknown> }) => {
      const containers = (status.containerStatuses ?? []) as { restartCount: number }[];
      const isHarmed = status.reason === 'Evicted' || containers.some(({ restartCount }) => restartCount > 0);
      return isHarmed ? [`${metadata.name}: ${status.reason ?? 'restarted'}`] : [];
    });
  };

  it.each(['small-1', 'small-2'])(
    'on %s loses the images that a finished pod holds, and no workload; nothing is pulled during the pressure, and once after it (P10)',
    async (name) => {
      const node = cluster.node(name);
      const policy = `held-on-${name}`;
      const path = 'jsonpath={.spec.template.spec.containers[0].image}';
      const product = await cluster.kubectl('get', 'deployment/nodesweep-scheduler', '-n', namespace, '-o', path);
      await apply(buildBystander(name, product));
      const ready = ['wait', '-n', 'default', `pod/bystander-${name}`, '--for=condition=Ready', '--timeout=120s'];
      await cluster.kubectl(...ready);
      const references = images.map((image) => `${registry.address}/${image}`);
      const lists = [{ name: 'big', images: references, nodes: { matchLabels: { 'kubernetes.io/hostname': name } } }];
      const disk = { maxPercent: 80 };
      await apply(buildPolicy(policy, { schedule: '@yearly', disk, lists }, runNow, 'prepull.yaml'));
      expect(await waitForRun(cluster.kubectl, policy)).toMatchObject({ phase: 'Succeeded' });
      expect(await referencesOn(name)).toEqual(references);
      // A kubelet removes no image that it has not known for some time. It looks for images at its start.
      const restartedAt = new Date();
      await node.stopKubelet();
      await node.startKubelet({
        imageMinimumGCAge: '1s',
        evictionHard: { 'memory.available': '1Mi', 'imagefs.available': String(minimumBytes) },
        // Long enough for the condition of the node to show it.
        evictionPressureTransitionPeriod: '30s',
      });
      await waitFor('the kubelet to be back', 120_000, async () => {
        const path = 'jsonpath={.status.conditions[?(@.type=="Ready")].lastHeartbeatTime}';
        return new Date(await cluster.kubectl('get', 'node', name, '-o', path)) > restartedAt || undefined;
      });
      await sleep(5_000);
      const [blocks = 0, blockSize = 0] = (
        await node.run('stat', '--file-system', '--format=%a %S', '/var/lib/containerd')
      )
        .split(' ')
        .map(Number);
      const surplus = blocks * blockSize - (minimumBytes - 50 * megabyte);
      await node.run('fallocate', '--length', String(surplus), '/var/lib/containerd/filler');
      await waitFor('the pressure', 120_000, async () => (await hasPressure(name)) || undefined);
      await waitFor('the kubelet to remove the images', 120_000, async () =>
        (await referencesOn(name)).length === 0 ? true : undefined,
      );
      await node.run('rm', '/var/lib/containerd/filler');
      // The image of the sandboxes is unused for the kubelet as well.
      await node.importImages(join(cluster.directory, 'pause.tar'));
      await waitFor('the end of the pressure', 180_000, async () => !(await hasPressure(name)) || undefined);
      await waitFor('the run that pulls the images again', 120_000, async () => {
        const runs = await readRuns(cluster.kubectl, policy);
        return runs.some(({ trigger, phase }) => trigger.type === 'Nodes' && phase === 'Succeeded') || undefined;
      });
      expect(await referencesOn(name)).toEqual(references);
      await sleep(10_000);
      const runs = await readRuns(cluster.kubectl, policy);
      expect(runs).toHaveLength(2);
      // None was started before the pressure had ended.
      expect(new Date(runs[1]?.startedAt ?? 0).getTime()).toBeGreaterThanOrEqual(await pressureEndOf(name));
      expect(await harm()).toEqual([]);
    },
  );
});

/** A pod of a workload, without requests, so that the kubelet would evict it among the first. */
function buildBystander(node: string, image: string): object {
  const command = ['node', '-e', 'setInterval(() => {}, 1000)'];
  return buildBoundPod(node, `bystander-${node}`, {
    containers: [{ name: 'main', image, imagePullPolicy: 'Never', command }],
  });
}
