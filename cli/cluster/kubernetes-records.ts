import type { KubeConfig, V1ConfigMap } from '@kubernetes/client-node';
import { annotation, label } from '../../contract/labels.ts';
import { KubernetesApi } from '../../scheduler/kubernetes/api/api.ts';
import { Collection } from '../../scheduler/kubernetes/api/collection.ts';
import { ClusterError, RefusedError } from '../../scheduler/kubernetes/api/error.ts';
import { KubernetesTransport } from '../../scheduler/kubernetes/api/transport.ts';
import { Watcher } from '../../scheduler/kubernetes/api/watch.ts';
import { groupConfigMaps } from '../../scheduler/kubernetes/config-map-groups.ts';
import { KubernetesLeaseStore } from '../../scheduler/kubernetes/lease.ts';
import { readConfigMap } from '../../scheduler/kubernetes/objects.ts';
import { readPod } from '../../scheduler/kubernetes/pods/read-pod.ts';
import { readLastLog } from './last-log.ts';
import type { FollowedRun, Records, RecordsPort } from './records-port.ts';

const requestsPerSecond = 50;

/** Opens the cluster of a kubeconfig to read policies and runs, and to request runs. */
export function openRecords(config: KubeConfig, namespace: string): RecordsPort {
  const api = new KubernetesApi({ transport: new KubernetesTransport(config), requestsPerSecond });
  const maps = { resource: 'configmaps', namespace } as const;
  const labelSelector = `${label.kind} in (policy,run,status)`;
  return {
    readRecords: async () => readAll(await api.listAll<V1ConfigMap>(maps, { labelSelector })),
    requestRun: async (policy, request) => {
      const body = { metadata: { annotations: { [annotation.runAt]: request } } };
      await api.call(`request a run of policy ${policy}`, [], { ...maps, name: policy, verb: 'patch', body });
    },
    readLease: () => readLease(api, namespace),
    readLastLog: (policy, node) => readLastLog(api, namespace, { policy, node }),
    followRun: (run) => followRun(api, namespace, run),
    close: () => api.close(),
  };
}

async function readLease(api: KubernetesApi, namespace: string) {
  try {
    return await new KubernetesLeaseStore(api, namespace).read();
  } catch (error) {
    const isForbidden =
      error instanceof ClusterError && error.cause instanceof RefusedError && error.cause.reason === 'Forbidden';
    if (isForbidden) return 'Forbidden';
    throw error;
  }
}

function readAll(objects: readonly V1ConfigMap[]): Records {
  const unreadable: string[] = [];
  const maps = objects.flatMap((object) => {
    try {
      return readConfigMap(object) ?? [];
    } catch (error) {
      unreadable.push(`ConfigMap ${object.metadata?.name} can't be read: ${String(error)}`);
      return [];
    }
  });
  return { ...groupConfigMaps(maps), unreadable };
}

function followRun(api: KubernetesApi, namespace: string, run: string): FollowedRun {
  let onChange = () => {};
  const maps = new Collection(readConfigMap, () => onChange());
  const pods = new Collection(readPod, () => onChange());
  const selector = (kinds: string) => `${label.kind} in (${kinds}),${label.run}=${run}`;
  const watchers = [
    new Watcher(api, { resource: 'configmaps', namespace, labelSelector: selector('run') }, maps, () => {}),
    new Watcher(api, { resource: 'pods', namespace, labelSelector: selector('cleaner,puller') }, pods, () => {}),
  ];
  return {
    start: async (listener) => {
      await Promise.all(watchers.map((watcher) => watcher.start()));
      onChange = listener;
    },
    state: () => {
      const [record] = maps.values();
      return { run: record?.kind === 'run' ? record.run.value : undefined, pods: pods.values() };
    },
    stop: () => {
      for (const watcher of watchers) watcher.stop();
    },
  };
}
