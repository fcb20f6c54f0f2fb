import type { V1Namespace, V1Node } from '@kubernetes/client-node';
import pTimeout from 'p-timeout';
import { label } from '../../contract/labels.ts';
import { type ClusterChoice, namespaceOf } from './connect.ts';

/** The kinds of values that a cluster, or its kubeconfig, knows. */
export type ValueKind = 'Policy' | 'Node' | 'Namespace' | 'Context';

/** Somebody waits for the shell meanwhile. */
const limitMs = 2_000;

/** The names of all objects of a kind, for completion. Empty if the cluster does not answer in two seconds, or refuses. */
export async function readOfferedValues(kind: ValueKind, choice: ClusterChoice): Promise<readonly string[]> {
  try {
    return kind === 'Context' ? await readContexts(choice) : await readNames(kind, choice);
  } catch {
    return [];
  }
}

async function readContexts(choice: ClusterChoice): Promise<readonly string[]> {
  const { loadKubeconfig } = await import('../../scheduler/kubernetes/kubeconfig.ts');
  const config = loadKubeconfig({ ...choice, context: undefined }, choice.environment);
  return config.getContexts().map(({ name }) => name);
}

async function readNames(kind: Exclude<ValueKind, 'Context'>, choice: ClusterChoice): Promise<readonly string[]> {
  const { loadKubeconfig } = await import('../../scheduler/kubernetes/kubeconfig.ts');
  const { KubernetesApi } = await import('../../scheduler/kubernetes/api/api.ts');
  const { KubernetesTransport } = await import('../../scheduler/kubernetes/api/transport.ts');
  const transport = new KubernetesTransport(loadKubeconfig(choice, choice.environment));
  const api = new KubernetesApi({ transport, requestsPerSecond: 10 });
  const targets = {
    Policy: [{ resource: 'configmaps', namespace: namespaceOf(choice) }, { labelSelector: `${label.kind}=policy` }],
    Node: [{ resource: 'nodes' }],
    Namespace: [{ resource: 'namespaces' }],
  } as const;
  const [target, query] = targets[kind];
  try {
    const objects = await pTimeout(api.listAll<V1Node | V1Namespace>(target, query), { milliseconds: limitMs });
    return objects.flatMap(({ metadata }) => metadata?.name ?? []);
  } finally {
    await api.close();
  }
}
