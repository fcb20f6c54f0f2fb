import type { CoreV1Event, CoreV1EventList, V1Pod } from '@kubernetes/client-node';
import type { ImageReport, ImageReports } from '../run/results/losses.ts';
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

/**
 * The reports of the kubelet about the images of a pod. An admission plugin may have changed the pull policies of the pod.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/images/image_manager.go `EnsureImageExists`
 */
export async function readImageReports(api: KubernetesApi, namespace: string, name: string): Promise<ImageReports> {
  const target = { resource: 'pods', namespace, name, verb: 'get' } as const;
  const pod = await api.call<V1Pod>(`read pod ${name}`, ['NotFound'], target);
  const asked = (pod?.spec?.containers ?? []).filter(({ imagePullPolicy }) => imagePullPolicy === 'IfNotPresent');
  if (asked.length === 0) return new Map();
  const uid = pod?.metadata?.uid ?? '';
  const fieldSelector = `involvedObject.uid=${uid},reason=Pulled`;
  const call = { resource: 'events', namespace, verb: 'list', query: { fieldSelector } } as const;
  const events = await api.call<CoreV1EventList>(`read the events of pod ${name}`, [], call);
  const reports = new Map((events?.items ?? []).flatMap(readImageReport));
  const names = new Set(asked.map((container) => container.name));
  return new Map([...reports].filter(([container]) => names.has(container)));
}

/** Several Events that are combined into one are not read: only one of them is in its text. */
function readImageReport({ involvedObject, message = '' }: CoreV1Event): [string, ImageReport][] {
  const [, container] = /^spec\.containers\{(.+)\}$/.exec(involvedObject.fieldPath ?? '') ?? [];
  if (container === undefined) return [];
  if (message.startsWith('Successfully pulled image ')) return [[container, 'Pulled']];
  return /^Container image ".*" already present on machine/.test(message) ? [[container, 'Present']] : [];
}

function timeOf({ lastTimestamp, eventTime }: CoreV1Event): number {
  return new Date(lastTimestamp ?? eventTime ?? 0).getTime();
}
