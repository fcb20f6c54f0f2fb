import { kubeletName, type NodeSettings, type NodeTaint, type StartedNode, startKubelet } from './node-servers.ts';
import { stopServer } from './process.ts';
import { describeRuntime, type RuntimeNode, startRuntime } from './runtime-node.ts';

/** A node that runs: containerd and kubelet in namespaces of their own. */
export interface ClusterNode extends RuntimeNode {
  /** Stops the kubelet; containers go on. */
  readonly stopKubelet: () => Promise<void>;
  /** Starts it again. If the cluster has lost the node meanwhile, it registers the node with these taints. */
  readonly startKubelet: (taints?: readonly NodeTaint[]) => Promise<void>;
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
    startKubelet: (taints = []) => startKubelet({ ...started, taints }),
  };
}
