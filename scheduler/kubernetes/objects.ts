import type { CoreV1Event, V1ConfigMap, V1Node, V1ObjectMeta } from '@kubernetes/client-node';
import { label, labelsOf } from '../../contract/labels.ts';
import { type RuntimeOverrides, resolveRuntime } from '../cleanup/node-runtime.ts';
import type { Ledger, PolicyEvent, StoredLedger, StoredStatus, UnreadableRecord } from '../cluster.ts';
import { runKinds } from '../kinds.ts';
import type { Node, PolicyObject, Versioned } from '../objects.ts';
import { isStartupTaint } from '../pods/startup-taint.ts';
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
  /** A record that can't be read. Its policy is empty if it names none. */
  | {
      readonly kind: 'unreadable';
      readonly record: UnreadableRecord;
      readonly uid: string;
      readonly ownerUid: string | undefined;
    }
  | {
      readonly kind: 'status';
      readonly policy: string;
      readonly status: StoredStatus;
      readonly configMap: string;
      readonly uid: string;
    }
  | { readonly kind: 'lists'; readonly ledger: StoredLedger };

/** Reads a ConfigMap by its kind label. Throws if a record is damaged, see {@link readDamagedRecord}. */
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
      return {
        kind: 'status',
        policy: ownerOf(object),
        status: { ...readStatus(name, data), resourceVersion },
        configMap: name,
        uid,
      };
    case 'lists':
      return { kind: 'lists', ledger: readLedger(object) };
    default:
      return undefined;
  }
}

/** Reads a ledger. Only the kind of its policy understands its data, see {@link buildLedger}. */
function readLedger({ metadata, data: content = {} }: V1ConfigMap): StoredLedger {
  const { uid = '', resourceVersion = '', creationTimestamp } = metadata ?? {};
  const { policy = '', policyUid = '', kind = '', ...data } = content;
  return { policy, policyUid, kind, data, uid, resourceVersion, createdAt: instantOf(creationTimestamp) };
}

/** Reads the metadata of a record whose data can't be read. */
export function readDamagedRecord(object: V1ConfigMap, error: unknown): WatchedConfigMap {
  const { name = '', uid = '', ownerReferences } = object.metadata ?? {};
  const record = { policy: ownerOf(object), run: name.replace(/\.run$/, ''), configMap: name, cause: String(error) };
  return { kind: 'unreadable', record, uid, ownerUid: ownerReferences?.[0]?.uid };
}

/** Ignores a status that can't be read. The scheduler writes it again. */
function readStatus(configMap: string, data: Readonly<Record<string, string>>): Omit<StoredStatus, 'resourceVersion'> {
  try {
    return { value: decodeStatus(data) };
  } catch (error) {
    return { value: undefined, damage: { configMap, cause: String(error) } };
  }
}

/** Reads a node, without the taints that `tolerations` tolerate. The startup taint is kept, because it must be removed. */
export function readNode(object: V1Node, overrides: RuntimeOverrides, tolerations: readonly Toleration[] = []): Node {
  const { name = '', labels = {}, annotations, creationTimestamp } = object.metadata ?? {};
  const conditions = object.status?.conditions ?? [];
  const ready = conditions.find(({ type }) => type === 'Ready');
  const nodeInfo = object.status?.nodeInfo;
  const { containerRuntimeVersion = '', kubeletVersion, operatingSystem, osImage, systemUUID } = nodeInfo ?? {};
  const capacity = Number(object.status?.allocatable?.pods);
  return {
    name,
    labels,
    taints: (object.spec?.taints ?? []).filter((taint) => isStartupTaint(taint) || !tolerates(tolerations, taint)),
    unschedulable: object.spec?.unschedulable ?? false,
    ready: ready?.status === 'True',
    createdAt: creationTimestamp && instantOf(creationTimestamp),
    systemUuid: systemUUID?.toLowerCase() || undefined,
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
export function statusName(policy: string): string {
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

/** The name of the ConfigMap with the ledger of a policy. */
export function ledgerName(policy: string): string {
  return `${policy}.lists`;
}

/** The ConfigMap of a ledger. The policy does not own it, or it would be deleted with the policy. */
export function buildLedger(namespace: string, { policy, policyUid, kind, data }: Ledger): V1ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace, name: ledgerName(policy), labels: labelsOf('lists', policy) },
    data: { policy, policyUid, kind, ...data },
  };
}

/** The ConfigMap with which another one is deleted. */
export interface Owner {
  readonly name: string;
  readonly uid: string;
}

export function buildRecord(namespace: string, owner: Owner, run: Run): V1ConfigMap {
  const metadata = { namespace, name: recordName(run.name), labels: labelsOf('run', run.policy, run.name) };
  return buildConfigMap(metadata, owner, encodeRun(run));
}

/** A ConfigMap that is deleted with its owner, another ConfigMap. */
export function buildConfigMap(
  metadata: Pick<V1ObjectMeta, 'name' | 'namespace' | 'labels'>,
  owner: Owner,
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
