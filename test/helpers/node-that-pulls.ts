import { createHash } from 'node:crypto';
import type { V1Pod } from '@kubernetes/client-node';
import { splitReference } from '../../contract/images/reference.ts';
import type { ContainerState, RunPod } from '../../scheduler/objects.ts';
import { indexOfContainer } from '../../scheduler/prepull/states/container-names.ts';
import type { FakeCluster } from './fake-cluster.ts';
import { buildContainer, buildPrepared, state } from './pullers.ts';

/** The states of the images that do not become present, by reference. */
export type Trouble = Readonly<Record<string, ContainerState>>;

/** Plays the kubelet of a node for its newest pod, see {@link pullFor}. */
export function pullOn(cluster: FakeCluster, node: string, trouble: Trouble = {}): void {
  pullFor(cluster, newestPod(cluster, node), trouble);
}

/** The digest of an image in its registry. */
export type Digests = (image: string) => string;

/** A digest that never changes, so that no tag moves. */
export function fixedDigest(image: string): string {
  return `sha256:${createHash('sha256').update(image).digest('hex')}`;
}

/** Plays the kubelet: it pulls all images of a puller, but those with a trouble. The pod ends when all of its containers have. */
export function pullFor(
  cluster: FakeCluster,
  pod: RunPod,
  trouble: Trouble = {},
  digestOf: Digests = fixedDigest,
): void {
  const containers = containersOf(cluster, pod).map(({ index, image }) => {
    const container = buildContainer(index, trouble[image] ?? ended(cluster));
    const imageId = `${splitReference(image).repository}@${digestOf(image)}`;
    return container.imageId === undefined ? container : { ...container, imageId };
  });
  const hasEnded = containers.every(({ state: { type } }) => type === 'Terminated');
  const phase = hasEnded ? 'Succeeded' : 'Running';
  cluster.pods.set(pod.name, { ...pod, phase, containers: [buildPrepared(), ...containers] });
}

/** The first container of the newest puller of a node finds the disk too full. */
export function refuseOn(cluster: FakeCluster, node: string): void {
  const pod = newestPod(cluster, node);
  const message = JSON.stringify({
    version: 1,
    outcome: 'DiskTooFull',
    usedPercent: 81,
    maxPercent: 80,
    availableBytes: 19 * 2 ** 30,
    capacityBytes: 100 * 2 ** 30,
  });
  const prepare = buildPrepared({ reason: 'Error', exitCode: 1, message });
  const images = containersOf(cluster, pod).map(({ index }) => buildContainer(index, state.waiting()));
  cluster.pods.set(pod.name, { ...pod, phase: 'Failed', containers: [prepare, ...images] });
}

/** The images of the newest puller of a node, with their pull policies and the secrets of the pod. */
export function askedOf(cluster: FakeCluster, node: string) {
  const { spec } = bodyOf(cluster, newestPod(cluster, node));
  return {
    images: spec?.containers.map(({ image }) => image),
    policies: [...new Set(spec?.containers.map(({ imagePullPolicy }) => imagePullPolicy))],
    secrets: spec?.imagePullSecrets?.map(({ name }) => name) ?? [],
  };
}

function ended({ now }: FakeCluster): ContainerState {
  return { type: 'Terminated', reason: 'Completed', exitCode: 0, finishedAt: now };
}

function containersOf(cluster: FakeCluster, pod: RunPod): { readonly index: number; readonly image: string }[] {
  const containers = bodyOf(cluster, pod).spec?.containers ?? [];
  return containers.map(({ name, image = '' }) => ({ index: indexOfContainer(name) ?? -1, image }));
}

function bodyOf({ bodies }: FakeCluster, { name }: RunPod): V1Pod {
  return bodies.get(name) as V1Pod;
}

function newestPod({ pods }: FakeCluster, node: string): RunPod {
  const pod = [...pods.values()].findLast((candidate) => candidate.node === node);
  if (pod === undefined) throw new Error(`node ${node} has no pod`);
  return pod;
}
