import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { buildBinaries } from './binaries.ts';
import { removeContainerCgroups } from './cgroup.ts';
import { ADMINISTRATOR, nodeUser, startControlPlane } from './controlplane.ts';
import { createNetwork, readNetwork, removeNetwork } from './network.ts';
import { type ClusterNode, type NodeSpec, startNode } from './node.ts';
import { writePauseImage } from './pause.ts';
import { stopServers } from './process.ts';
import { progress } from './progress.ts';
import { waitFor } from './wait.ts';

export interface ClusterSpec {
  readonly nodes: readonly NodeSpec[];
  /** All that the cluster writes is below it. A cluster that is there already is stopped first. */
  readonly directory: string;
  /** Whether the cluster goes on when this process is gone: false, so that a test that dies leaves nothing running. */
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

/** Two nodes, one on each major version of containerd. */
export const MIXED_NODES: readonly NodeSpec[] = [
  { name: 'node-1', runtime: 'containerd-1.6' },
  { name: 'node-2', runtime: 'containerd-2' },
];

/** Starts a cluster; returns when every node is Ready. What went wrong is in `logs` of its directory. */
export async function startCluster({ nodes, directory, survives = false }: ClusterSpec): Promise<Cluster> {
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
        const options = { directory, binaries, network, kubeconfig, survives, port: 10250 + index };
        return startNode(spec, pauseImage, options);
      }),
    );
    const cluster = describeCluster(directory, await plane.kubeconfig(ADMINISTRATOR), started, binaries.kubernetes);
    await waitUntilReady(cluster);
    return cluster;
  } catch (error) {
    await stopCluster(directory);
    throw new Error(`The cluster did not start: see the logs in ${join(directory, 'logs')}`, { cause: error });
  }
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
    await rm(join(directory, entry), { recursive: true, force: true });
  }
}

function describeCluster(
  directory: string,
  kubeconfig: string,
  nodes: readonly ClusterNode[],
  binaries: string,
): Cluster {
  return {
    directory,
    kubeconfig,
    nodes,
    kubectl: async (...arguments_) =>
      (await execa(join(binaries, 'kubectl'), ['--kubeconfig', kubeconfig, ...arguments_])).stdout,
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
