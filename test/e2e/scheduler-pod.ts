import { waitFor } from '../cluster/wait.ts';
import type { Installation } from './installation.ts';
import { type Kubectl, namespace } from './objects.ts';

const deployment = 'deployment/nodesweep-scheduler';

/** Kills the scheduler so that it can't do one thing more. Without a way into the node, its pod is taken away at once. */
export async function killScheduler({ kubectl, cluster }: Installation): Promise<void> {
  const selector = ['-n', namespace, '-l', 'app.kubernetes.io/component=scheduler'];
  const [pod] = JSON.parse(await kubectl('get', 'pods', ...selector, '-o', 'json')).items;
  if (cluster === undefined) {
    await kubectl('delete', 'pod', '-n', namespace, pod.metadata.name, '--grace-period=0', '--force');
    return;
  }
  const node = cluster.node(pod.spec.nodeName);
  const container = pod.status.containerStatuses[0].containerID.replace('containerd://', '');
  // The runtime leaves tasks out of its list while another one starts.
  const pid = await waitFor(`the process of container ${container}`, 5_000, async () => {
    return new RegExp(`^${container}\\s+(\\d+)`, 'm').exec(await node.ctr('tasks', 'ls'))?.[1];
  });
  await node.run('kill', '-KILL', pid);
}

/** Changes a setting of the scheduler (`NAME=value`, or `NAME-` for its default); returns when the new one runs. */
export async function setEnvironment(kubectl: Kubectl, assignment: string): Promise<void> {
  await kubectl('set', 'env', '-n', namespace, deployment, assignment);
  await kubectl('rollout', 'status', '-n', namespace, deployment, '--timeout=60s');
}
