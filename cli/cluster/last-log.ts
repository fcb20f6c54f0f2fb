import type { V1Pod } from '@kubernetes/client-node';
import { label, labelValue } from '../../contract/labels.ts';
import { cleanerContainer } from '../../scheduler/cleanup/pod.ts';
import type { KubernetesApi } from '../../scheduler/kubernetes/api/api.ts';
import { readCleanerLog } from '../../scheduler/kubernetes/cleaner-log.ts';
import { readPod } from '../../scheduler/kubernetes/pods/read-pod.ts';
import type { CleanerLog } from './plans/plan-report.ts';

/** The log of the policy's last finished cleaner pod on a node; undefined if there is none. */
export async function readLastLog(
  api: KubernetesApi,
  namespace: string,
  { policy, node }: { readonly policy: string; readonly node: string },
): Promise<CleanerLog | undefined> {
  const labelSelector = `${label.kind}=cleaner,${label.policy}=${labelValue(policy)},${label.node}=${labelValue(node)}`;
  const pods = await api.listAll<V1Pod>({ resource: 'pods', namespace }, { labelSelector });
  const [last] = pods.filter(finishOf).toSorted((a, b) => Number(finishOf(b)) - Number(finishOf(a)));
  const pod = last && readPod(last);
  const finishedAt = last && finishOf(last);
  if (pod === undefined || finishedAt === undefined) return undefined;
  const text = (await readCleanerLog(api, { namespace, pod: pod.name })) ?? '';
  return { policy, run: pod.run, node, finishedAt, text };
}

/** The time at which the cleaner's container of a pod ended; undefined if it has not ended. */
export function finishOf({ status }: V1Pod): Date | undefined {
  const own = status?.containerStatuses?.find(({ name }) => name === cleanerContainer);
  const finishedAt = own?.state?.terminated?.finishedAt;
  return finishedAt && new Date(finishedAt);
}
