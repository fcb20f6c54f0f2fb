import type { CoreV1Event } from '@kubernetes/client-node';
import type { KubernetesApi } from './kubernetes-api.ts';

export async function recordEvent(api: KubernetesApi, body: CoreV1Event): Promise<void> {
  const { name, namespace = '' } = body.involvedObject;
  await api.call(`record an event on policy ${name}`, [], () => api.core.createNamespacedEvent({ namespace, body }));
}

/** What keeps a pod from starting, in the words of the newest warning about it that tells. */
export async function readTrouble(api: KubernetesApi, namespace: string, pod: string): Promise<string | undefined> {
  const fieldSelector = `involvedObject.kind=Pod,involvedObject.name=${pod},type=Warning`;
  const events = await api.call(`read the events of pod ${pod}`, [], () =>
    api.core.listNamespacedEvent({ namespace, fieldSelector }),
  );
  const newestFirst = (events?.items ?? []).sort((a, b) => timeOf(b) - timeOf(a));
  // `Error: ImagePullBackOff` says less than the failed pull before it.
  const telling = newestFirst.find(({ message }) => !message?.startsWith('Error: ')) ?? newestFirst[0];
  return telling && `${telling.reason}: ${telling.message}`;
}

function timeOf({ lastTimestamp, eventTime }: CoreV1Event): number {
  return new Date(lastTimestamp ?? eventTime ?? 0).getTime();
}
