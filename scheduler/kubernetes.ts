import type { KubeConfig, KubernetesObject, V1ConfigMap, V1Node, V1Pod } from '@kubernetes/client-node';
import type { JobDocument } from '../cleaner/job.ts';
import type { Cluster, ClusterState, PolicyEvent } from './cluster.ts';
import { ClusterError, KubernetesApi } from './kubernetes-api.ts';
import { readTrouble, recordEvent } from './kubernetes-events.ts';
import {
  buildConfigMap,
  buildEvent,
  buildRecord,
  buildStatus,
  readConfigMap,
  readNode,
  readPod,
  type WatchedConfigMap,
} from './kubernetes-objects.ts';
import { listStartingReferences, listWorkloadReferences } from './kubernetes-references.ts';
import { WatchedCollection } from './kubernetes-watch.ts';
import { label, labelsOf } from './labels.ts';
import type { Log } from './log.ts';
import type { CleanerPod, Node, PolicyObject, Stored } from './objects.ts';
import { buildPod, jobName, type PodTemplate, recordName } from './pod.ts';
import type { Run } from './run.ts';
import type { RuntimeOverrides } from './sockets.ts';
import type { PolicyStatus } from './status.ts';

export interface KubernetesOptions {
  readonly config: KubeConfig;
  readonly template: PodTemplate;
  readonly overrides: RuntimeOverrides;
  /** At most so many requests a second. */
  readonly apiRate: number;
  readonly log: Log;
}

/** The cluster port on a Kubernetes API server. */
export class KubernetesCluster implements Cluster {
  readonly #options: KubernetesOptions;
  readonly #namespace: string;
  readonly #api: KubernetesApi;
  readonly #configMaps: WatchedCollection<V1ConfigMap, WatchedConfigMap>;
  readonly #nodes: WatchedCollection<V1Node, Node>;
  readonly #pods: WatchedCollection<V1Pod, CleanerPod>;

  constructor(options: KubernetesOptions) {
    const { config, template, overrides, log } = options;
    this.#options = options;
    this.#namespace = template.namespace;
    this.#api = new KubernetesApi(config, options.apiRate);
    const namespace = this.#namespace;
    const ours = `${label.kind} in (policy,run,status)`;
    const cleaners = `${label.kind}=cleaner`;
    this.#configMaps = new WatchedCollection(
      {
        config,
        path: `/api/v1/namespaces/${namespace}/configmaps`,
        list: () => this.#api.core.listNamespacedConfigMap({ namespace, labelSelector: ours }),
        labelSelector: ours,
      },
      (object) => readOrReport(object, readConfigMap, log),
    );
    this.#nodes = new WatchedCollection(
      { config, path: '/api/v1/nodes', list: () => this.#api.core.listNode() },
      (object) => readNode(object, overrides),
    );
    this.#pods = new WatchedCollection(
      {
        config,
        path: `/api/v1/namespaces/${namespace}/pods`,
        list: () => this.#api.core.listNamespacedPod({ namespace, labelSelector: cleaners }),
        labelSelector: cleaners,
      },
      readPod,
    );
  }

  async start(onChange: () => void): Promise<void> {
    const { log } = this.#options;
    const onTrouble = (error: unknown) => log.warn({ err: error }, `watch lost, reconnecting: ${String(error)}`);
    // A decision on a part of the state would take every node that is not listed yet for one that has left the cluster.
    let isComplete = false;
    const onLaterChange = () => {
      if (isComplete) onChange();
    };
    await Promise.all(
      [this.#configMaps, this.#nodes, this.#pods].map((collection) => collection.start(onLaterChange, onTrouble)),
    );
    isComplete = true;
  }

  async stop(): Promise<void> {
    await Promise.all([this.#configMaps, this.#nodes, this.#pods].map((collection) => collection.stop()));
  }

  state(): ClusterState {
    const configMaps = this.#configMaps.values();
    const policies = configMaps.flatMap((map) => (map.kind === 'policy' ? [map.policy] : []));
    const uids = new Set(policies.map(({ uid }) => uid));
    return {
      policies,
      statuses: new Map(configMaps.flatMap((map) => (map.kind === 'status' ? [[map.policy, map.status]] : []))),
      // A record whose policy was deleted is about to go; a new policy of the same name has nothing to do with it.
      runs: configMaps.flatMap((map) => (map.kind === 'run' && uids.has(map.ownerUid ?? '') ? [map.run] : [])),
      nodes: this.#nodes.values(),
      pods: this.#pods.values(),
    };
  }

  async createRun(policy: PolicyObject, run: Run): Promise<'Created' | 'AlreadyExists'> {
    const namespace = this.#namespace;
    const body = buildRecord(namespace, policy, run);
    const created = await this.#api.call(`create the record of run ${run.name}`, [409], () =>
      this.#api.core.createNamespacedConfigMap({ namespace, body }),
    );
    if (created !== undefined) this.#configMaps.apply(created);
    return created === undefined ? 'AlreadyExists' : 'Created';
  }

  async updateRun({ value: run, resourceVersion }: Stored<Run>): Promise<string | undefined> {
    const name = recordName(run.name);
    const owner = this.#policyOf(run);
    if (owner === undefined) return undefined;
    const body = withVersion(buildRecord(this.#namespace, owner, run), resourceVersion);
    const updated = await this.#replace(`update the record of run ${run.name}`, name, body);
    return updated?.metadata?.resourceVersion;
  }

  async deleteRun(run: string): Promise<void> {
    await this.#deleteConfigMap(`delete the record of run ${run}`, recordName(run));
    this.#configMaps.forget(recordName(run));
  }

  async writeStatus(policy: PolicyObject, status: PolicyStatus): Promise<'Updated' | 'Conflict'> {
    const namespace = this.#namespace;
    const body = buildStatus(namespace, policy, status);
    const what = `write the status of policy ${policy.name}`;
    const previous = this.state().statuses.get(policy.name);
    if (previous !== undefined) {
      const updated = await this.#replace(what, body.metadata?.name ?? '', withVersion(body, previous.resourceVersion));
      return updated === undefined ? 'Conflict' : 'Updated';
    }
    const created = await this.#api.call(what, [409], () =>
      this.#api.core.createNamespacedConfigMap({ namespace, body }),
    );
    if (created !== undefined) this.#configMaps.apply(created);
    else await this.#refuseForeign(body);
    return created === undefined ? 'Conflict' : 'Updated';
  }

  async createJob(run: Run, job: JobDocument): Promise<void> {
    const namespace = this.#namespace;
    const owner = { name: recordName(run.name), uid: this.#uidOf(run) };
    const labels = labelsOf('job', run.policy, run.name);
    const data = { 'job.json': JSON.stringify(job) };
    const body = { ...buildConfigMap(namespace, jobName(run.name), labels, owner, data), immutable: true };
    await this.#api.call(`create the job of run ${run.name}`, [409], () =>
      this.#api.core.createNamespacedConfigMap({ namespace, body }),
    );
  }

  async deleteJob(run: string): Promise<void> {
    await this.#deleteConfigMap(`delete the job of run ${run}`, jobName(run));
  }

  async createPod(run: Run, node: Node, attempt: number): Promise<void> {
    const { runtime } = node;
    if (runtime === undefined) throw new ClusterError(`node ${node.name} has no known runtime socket`);
    const namespace = this.#namespace;
    const body = buildPod(run, this.#uidOf(run), { ...node, runtime }, attempt, this.#options.template);
    const created = await this.#api.call(`create a cleaner pod on node ${node.name}`, [409], () =>
      this.#api.core.createNamespacedPod({ namespace, body }),
    );
    const pod = created ?? (await this.#readPod(body.metadata.name));
    if (pod !== undefined) this.#pods.apply(pod);
  }

  async deletePod(name: string): Promise<void> {
    const namespace = this.#namespace;
    const deleted = await this.#api.call(`delete pod ${name}`, [404], () =>
      this.#api.core.deleteNamespacedPod({ name, namespace }),
    );
    if (deleted === undefined) this.#pods.forget(name);
    else this.#pods.amend(name, markTerminating);
  }

  async deletePods(run: string): Promise<void> {
    const namespace = this.#namespace;
    const labelSelector = `${label.kind}=cleaner,${label.run}=${run}`;
    await this.#api.call(`delete the pods of run ${run}`, [], () =>
      this.#api.core.deleteCollectionNamespacedPod({ namespace, labelSelector }),
    );
    for (const pod of this.#pods.values()) if (pod.run === run) this.#pods.amend(pod.name, markTerminating);
  }

  recordEvent(policy: PolicyObject, event: PolicyEvent): Promise<void> {
    return recordEvent(this.#api, buildEvent(this.#namespace, policy, event, new Date()));
  }

  readTrouble(pod: string): Promise<string | undefined> {
    return readTrouble(this.#api, this.#namespace, pod);
  }

  listStartingReferences(): Promise<string[]> {
    return listStartingReferences(this.#api);
  }

  listWorkloadReferences(): Promise<string[]> {
    return listWorkloadReferences(this.#api);
  }

  #policyOf(run: Run): PolicyObject | undefined {
    return this.state().policies.find(({ name }) => name === run.policy);
  }

  #uidOf(run: Run): string {
    const record = this.#configMaps.values().find((map) => map.kind === 'run' && map.run.value.name === run.name);
    if (record?.kind !== 'run') throw new ClusterError(`run ${run.name} has no record any more`);
    return record.uid;
  }

  async #replace(what: string, name: string, body: V1ConfigMap): Promise<V1ConfigMap | undefined> {
    const { core } = this.#api;
    const namespace = this.#namespace;
    const updated = await this.#api.call(what, [404, 409], () =>
      core.replaceNamespacedConfigMap({ name, namespace, body }),
    );
    if (updated === undefined) await this.#refresh(name);
    else this.#configMaps.apply(updated);
    return updated;
  }

  /** What could not be replaced is not as it was thought to be, or is gone: the watch may be late in telling so. */
  async #refresh(name: string): Promise<void> {
    const current = await this.#readConfigMap(name);
    if (current === undefined) this.#configMaps.forget(name);
    else this.#configMaps.apply(current);
  }

  /** An object of that name is there: either the watch is late in telling of it, or it is no status at all. */
  async #refuseForeign({ metadata }: V1ConfigMap): Promise<void> {
    const name = metadata?.name ?? '';
    const existing = await this.#readConfigMap(name);
    if (existing === undefined) return;
    if (existing.metadata?.labels?.[label.kind] !== 'status') {
      throw new ClusterError(`ConfigMap ${name} is in the way of the status of that name: delete or rename it`);
    }
    this.#configMaps.apply(existing);
  }

  #readConfigMap(name: string): Promise<V1ConfigMap | undefined> {
    const namespace = this.#namespace;
    return this.#api.call(`read ConfigMap ${name}`, [404], () =>
      this.#api.core.readNamespacedConfigMap({ name, namespace }),
    );
  }

  /** A pod that exists already was created by a request whose answer was lost, or by another replica. */
  #readPod(name: string): Promise<V1Pod | undefined> {
    const namespace = this.#namespace;
    return this.#api.call(`read pod ${name}`, [404], () => this.#api.core.readNamespacedPod({ name, namespace }));
  }

  async #deleteConfigMap(what: string, name: string): Promise<void> {
    const namespace = this.#namespace;
    await this.#api.call(what, [404], () =>
      this.#api.core.deleteNamespacedConfigMap({ name, namespace, propagationPolicy: 'Background' }),
    );
  }
}

/** What can't be read is left alone, and said to be so: a slot or a run must not be forgotten because of it. */
function readOrReport<T extends KubernetesObject, D>(
  object: T,
  read: (object: T) => D | undefined,
  log: Log,
): D | undefined {
  try {
    return read(object);
  } catch (error) {
    const name = object.metadata?.name;
    const advice = 'delete it if it was damaged by hand, or run the version of nodesweep that wrote it';
    log.error({ configMap: name, err: error }, `ConfigMap ${name} can't be read (${String(error)}): ${advice}`);
    return undefined;
  }
}

function withVersion(body: V1ConfigMap, resourceVersion: string): V1ConfigMap {
  return { ...body, metadata: { ...body.metadata, resourceVersion } };
}

function markTerminating(pod: CleanerPod): CleanerPod {
  return { ...pod, terminating: true };
}
