import { join } from 'node:path';
import {
  buildContainer,
  buildImage,
  buildRegistryImage,
  buildSimulatedNode,
  readNode,
  registryFile,
  type SimulatedImage,
  type SimulatedNode,
  updateNode,
  usage,
  writeNode,
  writeRegistry,
} from '../fixtures/simulated/node.ts';

/** A simulated node: a file that the stand-in for crictl reads and changes. */
export interface DemoNode {
  readonly name: string;
  readonly file: string;
}

const gigabyte = 1e9;
const pause = buildImage('registry.k8s.io/pause:3.10', { sizeBytes: 0.7e6, pinned: true });
const search = buildImage('docker.io/acme/search:7', { sizeBytes: 1.8 * gigabyte });
const reportJob = buildImage('docker.io/acme/report-job:5', { sizeBytes: 0.9 * gigabyte });
const base = buildImage('docker.io/acme/base:24.04', { sizeBytes: 1.1 * gigabyte });
const current = release('2.4');
const next = release('2.5');

/** Images that must survive whatever happens: used, pinned or excluded. */
export const protectedImages: readonly SimulatedImage[] = [pause, search, reportJob, base];

/** Images that nothing has used since before the first run. */
const oldReleases = ['2.0', '2.1', '2.2', '2.3'].map(release);

/** Three nodes of 100 GB that differ in how much lies around: 84 %, 77 % and 91 % of the disk is taken. */
export function createNodes(directory: string): DemoNode[] {
  return [
    createNode(directory, 'node-1', { oldBuilds: 5, otherBytes: 54 * gigabyte, flavour: 'containerd-2.4' }),
    createNode(directory, 'node-2', { oldBuilds: 2, otherBytes: 56 * gigabyte, flavour: 'containerd-2.4' }),
    createNode(directory, 'node-3', { oldBuilds: 8, otherBytes: 52 * gigabyte, flavour: 'containerd-1.6' }),
  ];
}

/** The images of the demo's registry, with the duration of each pull. */
export const registryImages = {
  'docker.io/acme/search:8': buildRegistryImage('search:8', { sizeBytes: 1.9 * gigabyte, seconds: 0.2 }),
  'docker.io/acme/shop:3.0': buildRegistryImage('shop:3.0', { sizeBytes: 2.6 * gigabyte, seconds: 0.3 }),
};

/** The registry from which all nodes pull: a file beside theirs. */
export function createRegistry(directory: string): void {
  writeRegistry(registryFile(join(directory, 'node-1.json')), { images: registryImages });
}

/** A build arrives that nobody runs. */
export function pullBuild({ file }: DemoNode, number: number): void {
  updateNode(file, (node) => ({ ...node, images: [...node.images, build(number)] }));
}

/** A deployment replaces shop:2.4 by shop:2.5, so that from now on nothing uses the former. */
export function deployRelease({ file }: DemoNode): void {
  updateNode(file, (node) => ({
    ...node,
    images: [...node.images, next],
    containers: node.containers.map((container) =>
      container.imageId === current.id ? buildContainer(next) : container,
    ),
  }));
}

export function usedPercent({ file }: DemoNode): number {
  const { capacityBytes, usedBytes } = usage(file);
  return (100 * usedBytes) / capacityBytes;
}

/** The first names of the images that are on the node now. */
export function imageNames({ file }: DemoNode): string[] {
  return readNode(file).images.map(({ id, repoTags }) => repoTags[0] ?? id);
}

/** The first names of the images that a container of the node uses now, running or exited. */
export function usedNames({ file }: DemoNode): string[] {
  return readNode(file).containers.map(({ image }) => image);
}

interface Profile {
  readonly oldBuilds: number;
  readonly otherBytes: number;
  readonly flavour: SimulatedNode['flavour'];
}

function createNode(directory: string, name: string, { oldBuilds, otherBytes, flavour }: Profile): DemoNode {
  const file = join(directory, `${name}.json`);
  const simulated = buildSimulatedNode({ flavour });
  const builds = Array.from({ length: oldBuilds }, (_, index) => build(101 + index));
  writeNode(file, {
    ...simulated,
    filesystem: { ...simulated.filesystem, otherBytes },
    images: [...protectedImages, current, ...oldReleases, ...builds],
    containers: [
      buildContainer(current),
      buildContainer(search),
      buildContainer(reportJob, { state: 'CONTAINER_EXITED', finishedAt: '2026-01-01T01:00:00.000Z' }),
    ],
  });
  return { name, file };
}

function release(version: string): SimulatedImage {
  return buildImage(`docker.io/acme/shop:${version}`, { sizeBytes: (version === '2.4' ? 1.2 : 2.5) * gigabyte });
}

function build(number: number): SimulatedImage {
  return buildImage(`docker.io/acme/ci:${number}`, { sizeBytes: 3 * gigabyte });
}
