import type { CoreV1Event, V1ConfigMap, V1Node, V1ObjectMeta } from '@kubernetes/client-node';
import { label, labelsOf } from '../../contract/labels.ts';
import { type RuntimeOverrides, resolveRuntime } from '../cleanup/node-runtime.ts';
import type { ClusterState, PolicyEvent } from '../cluster.ts';
import { runKinds } from '../kinds.ts';
import type { Node, PolicyObject, Versioned } from '../objects.ts';
import { type Toleration, tolerates } from '../pods/tolerations.ts';
import { recordName } from '../run/names.ts';
import { decodeRun, encodeRun } from '../run/record.ts';
import type { Run } from '../run/run.ts';
import { decodeStatus, encodeStatus, type PolicyStatus } from '../status/status.ts';
import { instantOf } from './instant.ts';

/** A watched ConfigMap. `kind` is the value of its kind label. */
export type WatchedConfigMap =
  | { readonly kind: 'policy'; readonly policy: PolicyObject }
  | { readonly kind: 'run'; readonly run: Versioned<Run>; readonly uid: string; readonly ownerUid: string | undefined }
  | { readonly kind: 'status'; readonly policy: string; readonly status: Versioned<PolicyStatus | undefined> };

/** Reads a ConfigMap by its kind label. Throws if a record is damaged. */
export function readConfigMap(object: V1ConfigMap): WatchedConfigMap | undefined {
  const { name = '', uid = '', resourceVersion = '', labels = {}, annotations = {} } = object.metadata ?? {};
  const data = object.data ?? {};
  switch (labels[label.kind]) {
    case 'policy':
      return {
        kind: 'policy',
        policy: {
          name,
          uid,
          resourceVersion,
          createdAt: instantOf(object.metadata?.creationTimestamp),
          annotations,
          data,
        },
      };
    case 'run':
      return {
        kind: 'run',
        run: { value: decodeRun(data, runKinds), resourceVersion },
        uid,
        ownerUid: object.metadata?.ownerReferences?.[0]?.uid,
      };
    case 'status':
      return { kind: 'status', policy: ownerOf(object), status: { value: readStatus(data), resourceVersion } };
    default:
      return undefined;
  }
}

export type ConfigMapGroups = Pick<ClusterState, 'policies' | 'statuses' | 'runs' | 'orphans'>;

/** Groups ConfigMaps by kind. */
export function groupConfigMaps(maps: readonly WatchedConfigMap[]): ConfigMapGroups {
  const policies = maps.flatMap((map) => (map.kind === 'policy' ? [map.policy] : []));
  const uids = new Set(policies.map(({ uid }) => uid));
  return {
    policies,
    statuses: new Map(maps.flatMap((map) => (map.kind === 'status' ? [[map.policy, map.status]] : []))),
    // The record of a deleted policy will be deleted, and does not belong to a new policy of the same name.
    runs: maps.flatMap((map) => (map.kind === 'run' && uids.has(map.ownerUid ?? '') ? [map.run] : [])),
    orphans: maps.flatMap((map) =>
      map.kind === 'run' && !uids.has(map.ownerUid ?? '')
        ? [{ policy: map.run.value.policy, run: map.run.value.name, uid: map.uid }]
        : [],
    ),
  };
}

/** Ignores a status that can't be read. The scheduler writes it again. */
function readStatus(data: Readonly<Record<string, string>>): PolicyStatus | undefined {
  try {
    return decodeStatus(data);
  } catch {
    return undefined;
  }
}

/** Reads a node, without the taints that `tolerations` tolerate. */
export function readNode(object: V1Node, overrides: RuntimeOverrides, tolerations: readonly Toleration[] = []): Node {
  const { name = '', labels = {}, annotations, creationTimestamp } = object.metadata ?? {};
  const conditions = object.status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const { containerRuntimeVersion = '', kubeletVersion, operatingSystem, osImage } = object.status?.nodeInfo ?? {};
  const capacity = Number(object.status?.allocatable?.pods);
  return {
    name,
    labels,
    taints: (object.spec?.taints ?? []).filter((taint) => !tolerates(tolerations, taint)),
    unschedulable: object.spec?.unschedulable ?? false,
    ready: ready?.status === 'True',
    createdAt: creationTimestamp && instantOf(creationTimestamp),
    readySince: instantOf(ready?.lastTransitionTime),
    diskPressure: conditions.some(({ type, status }) => type === 'DiskPressure' && status === 'True'),
    podCapacity: Number.isSafeInteger(capacity) ? capacity : undefined,
    operatingSystem,
    osImage,
    containerRuntimeVersion,
    runtime: resolveRuntime({ labels, annotations, containerRuntimeVersion, kubeletVersion }, overrides),
  };
}

/** The name of the ConfigMap with the status of a policy. It is shortened if the name of the policy is too long. */
function statusName(policy: string): string {
  return `${policy.slice(0, 240)}.status`;
}

/** The name of the policy of an object. Its label may be shortened. */
function ownerOf(object: V1ConfigMap): string {
  return object.metadata?.ownerReferences?.[0]?.name ?? object.metadata?.labels?.[label.policy] ?? '';
}

export function buildStatus(namespace: string, object: PolicyObject, status: PolicyStatus): V1ConfigMap {
  const metadata = { namespace, name: statusName(object.name), labels: labelsOf('status', object.name) };
  return buildConfigMap(metadata, object, encodeStatus(status));
}

export function buildRecord(namespace: string, owner: PolicyObject, run: Run): V1ConfigMap {
  const metadata = { namespace, name: recordName(run.name), labels: labelsOf('run', run.policy, run.name) };
  return buildConfigMap(metadata, owner, encodeRun(run));
}

/** A ConfigMap that is deleted with its owner, another ConfigMap. */
export function buildConfigMap(
  metadata: Pick<V1ObjectMeta, 'name' | 'namespace' | 'labels'>,
  owner: { readonly name: string; readonly uid: string },
  data?: Record<string, string>,
): V1ConfigMap {
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: owner.name, uid: owner.uid, controller: true }];
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { ...metadata, ownerReferences },
    ...(data && { data }),
  };
}

export function buildEvent(namespace: string, object: PolicyObject, event: PolicyEvent, now: Date): CoreV1Event {
  return {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { generateName: `${object.name}.`, namespace },
    involvedObject: { apiVersion: 'v1', kind: 'ConfigMap', name: object.name, namespace, uid: object.uid },
    ...event,
    source: { component: 'nodesweep' },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
  };
}
