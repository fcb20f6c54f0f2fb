import type { KubeletFields } from './kubelet.ts';
import { kubeletName, type NodeSettings, type StartedNode, startKubelet } from './node-servers.ts';
import { stopServer } from './process.ts';
import { describeRuntime, type RuntimeNode, startRuntime } from './runtime-node.ts';

/** A node that runs: containerd and kubelet in namespaces of their own. */
export interface ClusterNode extends RuntimeNode {
  /** Stops the kubelet; containers go on. */
  readonly stopKubelet: () => Promise<void>;
  /** Starts the kubelet, with fields of its configuration in place of those of the tests. */
  readonly startKubelet: (fields?: KubeletFields) => Promise<void>;
}

/** Starts a node; returns when its runtime answers and its kubelet has been started. */
export async function startNode(settings: NodeSettings, pauseImage: string): Promise<StartedNode> {
  const started = await startRuntime(settings, pauseImage);
  await startKubelet(started);
  return started;
}

/** All that can be done with a node that has been started, by this process or another. */
export function describeNode(started: StartedNode): ClusterNode {
  return {
    ...describeRuntime(started),
    stopKubelet: () => stopServer(started.clusterDirectory, kubeletName(started.name)),
    startKubelet: (fields) => startKubelet(started, fields),
  };
}
