import type { KubeConfig, V1Pod } from '@kubernetes/client-node';
import { KubernetesApi } from '../../../scheduler/kubernetes/api/api.ts';
import { KubernetesTransport } from '../../../scheduler/kubernetes/api/transport.ts';
import { forwardPort } from '../../../scheduler/kubernetes/port-forward.ts';
import { pagePortOf } from '../../../scheduler/settings/settings.ts';
import { settingsOfScheduler } from '../plans/plan-settings.ts';
import type { PagePod, PagePort } from './page-port.ts';

const requestsPerSecond = 10;
const labelSelector = 'app.kubernetes.io/name=nodesweep,app.kubernetes.io/component=scheduler';

/** Opens the cluster of a kubeconfig for the status page of its scheduler. */
export function openPages(config: KubeConfig, namespace: string): PagePort {
  const api = new KubernetesApi({ transport: new KubernetesTransport(config), requestsPerSecond });
  return {
    listSchedulers: async () => {
      const pods = await api.listAll<V1Pod>({ resource: 'pods', namespace }, { labelSelector });
      return pods.filter(({ status }) => status?.phase === 'Running').map(readScheduler);
    },
    forward: (pod, port, socket) => forwardPort(config, { namespace, pod, port }, socket),
    close: () => api.close(),
  };
}

function readScheduler({ metadata, spec, status }: V1Pod): PagePod {
  const containers = spec?.containers ?? [];
  const container = containers.find(({ name }) => name === 'scheduler') ?? containers[0];
  const { image = '', args = [], env = [] } = container ?? {};
  const environment = Object.fromEntries(
    env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
  return {
    pod: metadata?.name ?? '',
    port: pagePortOf(settingsOfScheduler({ image, args, environment }), true),
    isReady:
      status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') === true,
  };
}
