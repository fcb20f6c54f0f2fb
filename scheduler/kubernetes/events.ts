import type { CoreV1Event, CoreV1EventList } from '@kubernetes/client-node';
import type { KubernetesApi } from './api/api.ts';

export async function recordEvent(api: KubernetesApi, body: CoreV1Event): Promise<void> {
  const { name, namespace } = body.involvedObject;
  await api.call(`record an event on policy ${name}`, [], { resource: 'events', namespace, verb: 'create', body });
}

/** The message of the newest warning about a pod that does not start. */
export async function readPodWarning(api: KubernetesApi, namespace: string, pod: string): Promise<string | undefined> {
  const fieldSelector = `involvedObject.kind=Pod,involvedObject.name=${pod},type=Warning`;
  const call = { resource: 'events', namespace, verb: 'list', query: { fieldSelector } } as const;
  const events = await api.call<CoreV1EventList>(`read the events of pod ${pod}`, [], call);
  const newestFirst = (events?.items ?? []).sort((a, b) => timeOf(b) - timeOf(a));
  // `Error: ImagePullBackOff` has less information than the failed pull before it.
  const telling = newestFirst.find(({ message }) => !message?.startsWith('Error: ')) ?? newestFirst[0];
  return telling && `${telling.reason}: ${telling.message}`;
}

function timeOf({ lastTimestamp, eventTime }: CoreV1Event): number {
  return new Date(lastTimestamp ?? eventTime ?? 0).getTime();
}
