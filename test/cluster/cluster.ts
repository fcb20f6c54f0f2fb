import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { type Binaries, buildBinaries } from './binaries.ts';
import { removeContainerCgroups } from './cgroup.ts';
import { ADMINISTRATOR, nodeUser, startControlPlane } from './controlplane.ts';
import { createNetwork, readNetwork, removeNetwork } from './network.ts';
import { type ClusterNode, describeNode, startNode } from './node.ts';
import type { NodeSettings, StartedNode } from './node-servers.ts';
import { writePauseImage } from './pause.ts';
import { stopServers } from './process.ts';
import { progress } from './progress.ts';
import { waitFor } from './wait.ts';

/** A node to start. */
export interface NodeSpec extends Pick<NodeSettings, 'name' | 'runtime'> {
  /** The runtime's socket as the node's pods see it; somewhere below /run. */
  readonly socket?: string;
  /** Gives the images a filesystem of their own with this size, as mount(8) takes it for tmpfs: `500m`. None. */
  readonly imageFilesystemSize?: string;
  /** When less is available on the images' filesystem, the node is under DiskPressure: `100Mi`, `10%`. Never. */
  readonly imageFilesystemMinimum?: string;
}

export interface ClusterSpec {
  readonly nodes: readonly NodeSpec[];
  /** All that the cluster writes is below it. A cluster that is there already is stopped first. */
  readonly directory: string;
  /** True if the cluster goes on when this process is gone: false, so that a test that dies leaves nothing running. */
  readonly survives?: boolean;
}

/** A cluster that runs: a control plane and nodes, all of them real, all of them on this machine. */
export interface Cluster {
  readonly directory: string;
  /** Path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly nodes: readonly ClusterNode[];
  /** Runs kubectl as administrator and returns what it prints. */
  readonly kubectl: (...arguments_: readonly string[]) => Promise<string>;
  readonly node: (name: string) => ClusterNode;
  /** Stops all of it and leaves the logs. */
  readonly stop: () => Promise<void>;
}

const NODE_DEFAULTS = {
  socket: '/run/containerd/containerd.sock',
  imageFilesystemSize: '',
  imageFilesystemMinimum: '0%',
};

const FIRST_KUBELET_PORT = 10_250;

/** Two nodes, one on each major version of containerd. */
export const MIXED_NODES: readonly NodeSpec[] = [
  { name: 'node-1', runtime: 'containerd-1.6' },
  { name: 'node-2', runtime: 'containerd-2' },
];

/** Starts a cluster; returns when every node is Ready. What went wrong is in `logs` of its directory. */
export async function startCluster({ nodes, directory, survives = false }: ClusterSpec): Promise<Cluster> {
  if (process.getuid?.() !== 0) throw new Error('A test cluster needs root: its nodes have namespaces and mounts');
  const binaries = await buildBinaries();
  await stopCluster(directory);
  await rm(join(directory, 'logs'), { recursive: true, force: true });
  try {
    const network = await createNetwork(directory);
    progress('Starting the control plane');
    const names = nodes.map(({ name }) => name);
    const plane = await startControlPlane({
      directory,
      binaries: binaries.kubernetes,
      network,
      nodes: names,
      survives,
    });
    const pauseImage = await writePauseImage(directory, binaries.program);
    const started = await Promise.all(
      nodes.map(async (spec, index) => {
        progress(`Starting ${spec.name} (${spec.runtime})`);
        const kubeconfig = await plane.kubeconfig(nodeUser(spec.name));
        const common = { clusterDirectory: directory, binaries, network, survives };
        const own = { directory: join(directory, spec.name), kubeconfig, port: FIRST_KUBELET_PORT + index };
        return startNode({ ...NODE_DEFAULTS, ...spec, ...common, ...own }, pauseImage);
      }),
    );
    const record = { kubeconfig: await plane.kubeconfig(ADMINISTRATOR), binaries, nodes: started };
    await writeFile(recordFile(directory), JSON.stringify(record));
    const cluster = describeCluster(directory, record);
    await waitUntilReady(cluster);
    return cluster;
  } catch (error) {
    await stopCluster(directory);
    throw new Error(`The cluster did not start: see the logs in ${join(directory, 'logs')}`, { cause: error });
  }
}

/** The cluster that runs in a directory, whoever started it. */
export async function openCluster(directory: string): Promise<Cluster> {
  return describeCluster(directory, JSON.parse(await readFile(recordFile(directory), 'utf8')));
}

/** Stops the cluster of a directory, whoever started it; removes what it left on the machine, except its logs. */
export async function stopCluster(directory: string): Promise<void> {
  await stopServers(directory);
  const network = await readNetwork(directory);
  if (network === undefined) return;
  await removeNetwork(network);
  for (const entry of await readdir(directory)) {
    if (entry === 'logs') continue;
    await removeContainerCgroups(join(directory, entry));
    await rm(join(directory, entry), { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  }
}

/** All that is written down of a cluster, for processes other than the one that started it. */
interface ClusterRecord {
  readonly kubeconfig: string;
  readonly binaries: Binaries;
  readonly nodes: readonly StartedNode[];
}

function recordFile(directory: string): string {
  return join(directory, 'cluster.json');
}

function describeCluster(directory: string, record: ClusterRecord): Cluster {
  const { kubeconfig, binaries } = record;
  const nodes = record.nodes.map(describeNode);
  return {
    directory,
    kubeconfig,
    nodes,
    kubectl: async (...arguments_) =>
      (await execa(join(binaries.kubernetes, 'kubectl'), ['--kubeconfig', kubeconfig, ...arguments_])).stdout,
    node: (name) => {
      const node = nodes.find((candidate) => candidate.name === name);
      if (node === undefined) throw new Error(`The cluster has no node ${name}`);
      return node;
    },
    stop: () => stopCluster(directory),
  };
}

/** A kubelet registers its node a moment after its start: until then there is nothing to wait for. */
async function waitUntilReady({ kubectl, nodes }: Cluster): Promise<void> {
  progress('Waiting for the nodes to be Ready');
  const names = nodes.map(({ name }) => `node/${name}`);
  await waitFor('the nodes to register', 60_000, () => kubectl('get', ...names));
  await kubectl('wait', '--for=condition=Ready', '--timeout=120s', ...names);
  // Without it no pod is admitted; the controller manager makes it a moment after its start.
  await kubectl('wait', '--for=create', '--timeout=60s', 'serviceaccount/default');
}
