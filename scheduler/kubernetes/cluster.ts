import type { KubernetesObject, V1ConfigMap, V1Node, V1Pod } from '@kubernetes/client-node';
import { label } from '../../contract/labels.ts';
import type { RuntimeOverrides } from '../cleanup/node-runtime.ts';
import type {
  BoundPods,
  Cluster,
  ClusterState,
  Creation,
  Ledger,
  NodeNeeds,
  OrphanedRun,
  OrphanedStatus,
  PolicyEvent,
  StoredLedger,
} from '../cluster.ts';
import type { Log } from '../log.ts';
import type { Node, PolicyObject, RunPod, Versioned } from '../objects.ts';
import type { PlacedNode, PodTemplate } from '../pods/pod-template.ts';
import { podName, recordName } from '../run/names.ts';
import { waiting } from '../run/progress.ts';
import type { ImageReports } from '../run/results/losses.ts';
import type { Run } from '../run/run.ts';
import type { ImageSet, ImageSets } from '../sets/image-set.ts';
import type { PolicyStatus } from '../status/status.ts';
import type { KubernetesApi } from './api/api.ts';
import { Collection } from './api/collection.ts';
import { ClusterError } from './api/error.ts';
import type { FurtherResource } from './api/paths.ts';
import { SharedRead } from './api/shared-read.ts';
import { Watcher } from './api/watch.ts';
import { type ConfigMapGroups, groupConfigMaps } from './config-map-groups.ts';
import { ConfigMapStore } from './config-maps.ts';
import { readImageReports, readPodWarning, recordEvent } from './events.ts';
import { ImageSetCollection } from './image-sets.ts';
import { JobStore } from './jobs.ts';
import {
  buildEvent,
  buildLedger,
  buildRecord,
  buildStatus,
  ledgerName,
  type Owner,
  readConfigMap,
  readDamagedRecord,
  readNode,
  type WatchedConfigMap,
} from './objects.ts';
import { BoundPodReader } from './pods/bound-pods.ts';
import { buildHarmless } from './pods/place-pod.ts';
import { PodStore } from './pods/pods.ts';
import { readPod } from './pods/read-pod.ts';
import { VanishedPods } from './pods/vanished-pods.ts';
import { withReplacedRequest } from './replaced-requests.ts';
import { StartupTaintRemover } from './startup-taint-remover.ts';
import { listWorkloadReferences } from './workload-references.ts';

export interface KubernetesOptions {
  readonly api: KubernetesApi;
  readonly template: PodTemplate;
  readonly overrides: RuntimeOverrides;
  /** Kinds of objects with pod templates, in addition to the built-in ones. */
  readonly workloadResources?: readonly FurtherResource[];
  readonly log: Log;
}

/** The cluster port on a Kubernetes API server. */
export class KubernetesCluster implements Cluster {
  readonly #options: KubernetesOptions;
  readonly #api: KubernetesApi;
  readonly #namespace: string;
  readonly #configMaps: Collection<V1ConfigMap, WatchedConfigMap>;
  readonly #nodes: Collection<V1Node, Node>;
  readonly #pods: Collection<V1Pod, RunPod>;
  readonly #imageSets: ImageSetCollection;
  readonly #vanished = new VanishedPods();
  readonly #store: ConfigMapStore;
  readonly #podStore: PodStore;
  readonly #jobs: JobStore;
  readonly #boundPods: BoundPodReader;
  readonly #startupTaints: StartupTaintRemover;
  readonly #workloadReferences: SharedRead<string[]>;
  readonly #watchers: readonly Pick<Watcher<KubernetesObject>, 'start' | 'stop' | 'isCurrent'>[];
  #onChange: () => void = () => {};
  #grouped: { readonly maps: readonly WatchedConfigMap[]; readonly groups: ConfigMapGroups } | undefined;
  #setsByName: { readonly values: readonly ImageSet[]; readonly sets: ImageSets } | undefined;

  constructor(options: KubernetesOptions) {
    const { api, template, overrides, log } = options;
    const { namespace } = template;
    this.#options = options;
    this.#api = api;
    this.#namespace = namespace;
    const onChange = () => this.#onChange();
    const { tolerations } = template;
    const readMap = (object: V1ConfigMap, known: WatchedConfigMap | undefined) =>
      withReplacedRequest(readOrReport(object, log), known);
    this.#configMaps = new Collection(readMap, onChange);
    this.#nodes = new Collection((object: V1Node) => readNode(object, overrides, tolerations), onChange);
    this.#pods = new Collection(readPod, onChange, (pod) => this.#vanished.keep(pod));
    this.#imageSets = new ImageSetCollection(onChange);
    this.#store = new ConfigMapStore(api, namespace, this.#configMaps);
    this.#podStore = new PodStore(api, namespace, this.#pods);
    this.#jobs = new JobStore(api, namespace, this.#store);
    this.#boundPods = new BoundPodReader(api);
    this.#startupTaints = new StartupTaintRemover(api, this.#nodes);
    this.#workloadReferences = new SharedRead(() => listWorkloadReferences(api, options.workloadResources ?? []));
    const onTrouble = (error: unknown) => log.warn({ err: error }, `watch lost, trying again: ${String(error)}`);
    const ours = {
      resource: 'configmaps',
      namespace,
      labelSelector: `${label.kind} in (policy,run,status,lists)`,
    } as const;
    // Apart from the other ConfigMaps, which must not wait for sets of up to 1 MiB each.
    const imageSets = {
      resource: 'configmaps',
      namespace,
      labelSelector: `${label.kind}=image-set`,
      pageSize: 2,
    } as const;
    const pods = {
      resource: 'pods',
      namespace,
      labelSelector: `${label.kind} in (cleaner,puller)`,
      // A puller with 20 images has some 40 kB as JSON, and thousands may be held.
      pageSize: 100,
    } as const;
    this.#watchers = [
      new Watcher(api, ours, this.#configMaps, onTrouble),
      new Watcher(api, { resource: 'nodes' }, this.#nodes, onTrouble),
      new Watcher(api, pods, this.#pods, onTrouble),
      new Watcher(api, imageSets, this.#imageSets, onTrouble),
    ];
  }

  /** A decision needs the whole state: a node that is not listed yet would look like one that has left the cluster. */
  async start(onChange: () => void): Promise<void> {
    await Promise.all(this.#watchers.map((watcher) => watcher.start()));
    this.#onChange = onChange;
    this.#api.clock.onStep(onChange);
  }

  async stop(): Promise<void> {
    for (const watcher of this.#watchers) watcher.stop();
    await this.#api.close();
  }

  /** True if the state is complete and no watch is known to be late. */
  get isCurrent(): boolean {
    return this.#watchers.every(({ isCurrent }) => isCurrent);
  }

  state(): ClusterState {
    const groups = this.#groups();
    const pods = this.#vanished.addTo(this.#pods.values(), groups.runs);
    return { ...groups, nodes: this.#nodes.values(), pods, imageSets: this.#listSets() };
  }

  readClock(): Date {
    return this.#api.clock.now();
  }

  async createRun(policy: PolicyObject, run: Run): Promise<Creation> {
    const body = buildRecord(this.#namespace, this.#ledgerAsOwner(policy) ?? policy, run);
    const resourceVersion = await this.#store.create(`create the record of run ${run.name}`, body);
    if (resourceVersion !== undefined) return { outcome: 'Created', run: { value: run, resourceVersion } };
    const { runs, unreadable = [] } = this.#groups();
    if (unreadable.some((record) => record.run === run.name)) return { outcome: 'Unreadable' };
    return { outcome: 'AlreadyExists', run: runs.find(({ value }) => value.name === run.name) };
  }

  async updateRun({ value: run, resourceVersion }: Versioned<Run>): Promise<string | undefined> {
    const owner = this.#policyOf(run) ?? this.#ledgerOf(run.policy);
    if (owner === undefined) return undefined;
    const body = buildRecord(this.#namespace, owner, run);
    return this.#store.replace(`update the record of run ${run.name}`, body, resourceVersion);
  }

  deleteRun(run: string): Promise<void> {
    this.#jobs.forget(run);
    return this.#store.delete(`delete the record of run ${run}`, recordName(run));
  }

  deleteOrphan({ run, uid }: OrphanedRun): Promise<void> {
    this.#jobs.forget(run);
    return this.#store.delete(`delete the record of run ${run}, whose policy is gone`, recordName(run), { uid });
  }

  async deleteOrphanedStatus({ policy, configMap, uid, resourceVersion }: OrphanedStatus): Promise<void> {
    if (await this.#store.exists(policy)) return;
    await this.#store.delete(`delete the status of policy ${policy}, which is gone`, configMap, {
      uid,
      resourceVersion,
    });
  }

  async writeStatus(policy: PolicyObject, status: PolicyStatus): Promise<boolean> {
    const body = buildStatus(this.#namespace, policy, status);
    const name = body.metadata?.name ?? '';
    const what = `write the status of policy ${policy.name}`;
    const known = this.#configMaps.get(name);
    if (known?.kind === 'status')
      return (await this.#store.replace(what, body, known.status.resourceVersion)) !== undefined;
    if ((await this.#store.create(what, body)) !== undefined) return true;
    await this.#store.expectOwn(name, 'status');
    return false;
  }

  async writeLedger(ledger: Ledger, before: StoredLedger | undefined): Promise<boolean> {
    const body = buildLedger(this.#namespace, ledger);
    const what = `write down what policy ${ledger.policy} has put on nodes`;
    if (before !== undefined) return (await this.#store.replace(what, body, before.resourceVersion)) !== undefined;
    if ((await this.#store.create(what, body)) !== undefined) return true;
    await this.#store.expectOwn(ledgerName(ledger.policy), 'lists');
    return false;
  }

  deleteLedger({ policy, uid, resourceVersion }: StoredLedger): Promise<void> {
    const what = `delete the account of policy ${policy}, which is deleted`;
    return this.#store.delete(what, ledgerName(policy), { uid, resourceVersion });
  }

  hasPolicy(name: string): Promise<boolean> {
    return this.#store.exists(name);
  }

  hasJob(run: Run): Promise<boolean> {
    return this.#jobs.has(run);
  }

  async createJob(run: Run, job: object): Promise<void> {
    await this.#jobs.create(run, { name: recordName(run.name), uid: this.#uidOf(run) }, job);
  }

  async createPod(run: Run, node: Node, attempt: number, needs: NodeNeeds): Promise<Date | undefined> {
    const { memory } = run.nodes.get(node.name) ?? waiting;
    const jobMaps = await this.#jobs.mapsOf(run);
    const { references: bound, prepulled, due, pullVerdicts } = needs;
    const references = { bound, prepulled, due, pullVerdicts };
    const order = { run, runUid: this.#uidOf(run), attempt, references, jobMaps, memory };
    const build = (place: PlacedNode) => run.kind.buildPod(order, place, this.#options.template);
    const place = { api: this.#api, namespace: this.#namespace };
    const body = await buildHarmless(place, { node, boundPods: needs.count }, build);
    if (attempt > 0) await this.#podStore.expectEnded(podName(run.name, node.name, attempt - 1));
    return this.#podStore.create(`create a ${run.kind.words.worker} pod on node ${node.name}`, body);
  }

  deletePod(name: string): Promise<void> {
    return this.#podStore.delete(name);
  }

  deletePods(run: string, kept: readonly string[] = []): Promise<void> {
    return this.#podStore.deleteRun(run, kept);
  }

  recordEvent(policy: PolicyObject, event: PolicyEvent): Promise<void> {
    return recordEvent(this.#api, buildEvent(this.#namespace, policy, event, this.readClock()));
  }

  readPodWarning(pod: string): Promise<string | undefined> {
    return readPodWarning(this.#api, this.#namespace, pod);
  }

  readImageReports(pod: string): Promise<ImageReports> {
    return readImageReports(this.#api, this.#namespace, pod);
  }

  mayRemoveStartupTaint(): Promise<boolean> {
    return this.#startupTaints.isAllowed();
  }

  removeStartupTaint(node: Node): Promise<void> {
    return this.#startupTaints.remove(node);
  }

  readBoundPods(nodes: readonly string[]): Promise<ReadonlyMap<string, BoundPods>> {
    return this.#boundPods.read(nodes);
  }

  listWorkloadReferences(): Promise<string[]> {
    return this.#workloadReferences.read();
  }

  /** They are sorted after a change, not for each read. */
  #groups(): ConfigMapGroups {
    const maps = this.#configMaps.values();
    if (this.#grouped?.maps !== maps) this.#grouped = { maps, groups: groupConfigMaps(maps) };
    return this.#grouped.groups;
  }

  #listSets(): ImageSets {
    const values = this.#imageSets.values();
    const place = `in namespace ${this.#namespace}`;
    const group = () => ({ place, byName: new Map(values.map((set) => [set.name, set])) });
    if (this.#setsByName?.values !== values) this.#setsByName = { values, sets: group() };
    return this.#setsByName.sets;
  }

  #policyOf(run: Run): PolicyObject | undefined {
    const map = this.#configMaps.get(run.policy);
    return map?.kind === 'policy' ? map.policy : undefined;
  }

  /** The ledger of a deleted policy, as the owner of runs. */
  #ledgerOf(policy: string): Owner | undefined {
    const ledger = this.#groups().ledgers?.get(policy);
    return ledger && { name: ledgerName(policy), uid: ledger.uid };
  }

  #ledgerAsOwner({ name, uid }: PolicyObject): Owner | undefined {
    const owner = this.#ledgerOf(name);
    return owner?.uid === uid ? owner : undefined;
  }

  #uidOf(run: Run): string {
    const record = this.#configMaps.get(recordName(run.name));
    if (record?.kind !== 'run') throw new ClusterError(`run ${run.name} has no record any more`);
    return record.uid;
  }
}

/**
 * Reads a ConfigMap. A record that can't be read stays as it is, and is logged: the policy that it names may be gone. A policy
 * shows it in its status.
 */
function readOrReport(object: V1ConfigMap, log: Log): WatchedConfigMap | undefined {
  try {
    return readConfigMap(object);
  } catch (error) {
    const name = object.metadata?.name;
    const advice = 'delete it if it was damaged by hand, or run the version of nodesweep that wrote it';
    log.error({ configMap: name, err: error }, `ConfigMap ${name} can't be read (${String(error)}): ${advice}`);
    return readDamagedRecord(object, error);
  }
}
