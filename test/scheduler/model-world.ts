import type { Ledger, NodeNeeds, StoredLedger } from '../../scheduler/cluster.ts';
import type { Node, PolicyObject, RunPod } from '../../scheduler/objects.ts';
import { podName } from '../../scheduler/run/names.ts';
import type { Run } from '../../scheduler/run/run.ts';
import type { PolicyStatus } from '../../scheduler/status/status.ts';
import type { Timeline } from './model-timeline.ts';
import { type Change, Table } from './model-view.ts';

/** All that the API server keeps as ConfigMaps, apart from the jobs, which nobody watches. */
export type ConfigMap =
  | { readonly kind: 'policy'; readonly policy: PolicyObject }
  /** A policy that has lost its label. */
  | { readonly kind: 'other'; readonly owner: string }
  | { readonly kind: 'run'; readonly run: Run; readonly owner: string }
  | { readonly kind: 'ledger'; readonly ledger: Ledger; readonly createdAt: Date }
  | { readonly kind: 'status'; readonly policy: string; readonly status: PolicyStatus; readonly owner: string };

/** Hears of what a scheduler writes, at the instant at which it takes effect. */
export interface WorldMonitor {
  runCreated(run: Run, policyUid: string, replica: number): void;
  runUpdated(before: Run, after: Run): void;
  statusWritten(before: PolicyStatus | undefined, after: PolicyStatus): void;
  podCreated(pod: RunPod, run: Run, owner: string): void;
  podChanged(pod: RunPod, owner: string): void;
  nodeChanged(name: string, node: Node | undefined): void;
}

/** The kubelets of all nodes, as the API server meets them. */
export interface Hosts {
  /** The pod that is created, apart from its names. Throws if it can't be built. */
  build(run: Run, node: Node, attempt: number, needs: NodeNeeds): Pick<RunPod, 'kind' | 'due' | 'containers'>;
  /** The run as it is read from its record. */
  store(run: Run): Run;
  admit(pod: RunPod): void;
  /** Somebody has asked for the pod's deletion. */
  delete(name: string): void;
  /** The pod is in the cluster no longer. */
  forget(pod: RunPod): void;
  thaw(node: string): void;
  orphan(node: string): void;
}

/** The API server refuses a write: what it is about has changed, or is gone. */
export const conflict = Symbol('conflict');

const collectMs = 1_500;
export const recordKey = (run: string) => `${run}.run`;
export const statusKey = (policy: string) => `${policy}.status`;
export const ledgerKey = (policy: string) => `${policy}.lists`;

/** A cluster as it really is: the API server's objects, its garbage collection, and the kubelets. */
export class World<Kubelets extends Hosts = Hosts> {
  readonly timeline: Timeline;
  readonly configMaps = new Table<ConfigMap>();
  readonly nodes = new Table<Node>();
  readonly pods = new Table<RunPod>();
  /** The jobs, by run, with the uid of their owner. */
  readonly jobs = new Map<string, string>();
  readonly kubelets: Kubelets;
  readonly #podOwners = new Map<string, string>();
  readonly #monitor: WorldMonitor;
  readonly #onChange: (table: 'configMaps' | 'nodes' | 'pods') => void;
  /** The uids of all ConfigMaps. */
  readonly #uids = new Set<string>();
  #version = 0;
  #isCollecting = false;

  constructor(
    timeline: Timeline,
    monitor: WorldMonitor,
    onChange: (table: 'configMaps' | 'nodes' | 'pods') => void,
    kubeletsIn: (world: World) => Kubelets,
  ) {
    this.timeline = timeline;
    this.#monitor = monitor;
    this.#onChange = onChange;
    this.kubelets = kubeletsIn(this);
  }

  /** An instant as the API server writes it: without fractions of a second. */
  get timestamp(): Date {
    return new Date(Math.floor(this.timeline.now / 1000) * 1000);
  }

  policy(name: string): PolicyObject | undefined {
    const entry = this.configMaps.entries.get(name)?.value;
    return entry?.kind === 'policy' ? entry.policy : undefined;
  }

  status(policy: string): PolicyStatus | undefined {
    const entry = this.configMaps.entries.get(statusKey(policy))?.value;
    return entry?.kind === 'status' ? entry.status : undefined;
  }

  ledger(policy: string): StoredLedger | undefined {
    const entry = this.configMaps.entries.get(ledgerKey(policy));
    if (entry?.value.kind !== 'ledger') return undefined;
    const { ledger, createdAt } = entry.value;
    return { ...ledger, createdAt, uid: entry.uid, resourceVersion: String(entry.version) };
  }

  /** The runs of a policy that exist, with the uids of their records. */
  runs(policyUid: string): { run: Run; uid: string }[] {
    return [...this.configMaps.entries.values()].flatMap(({ value, uid }) =>
      value.kind === 'run' && value.owner === policyUid ? [{ run: value.run, uid }] : [],
    );
  }

  /** The pods of the run whose record has this uid. */
  podsOf(recordUid: string): RunPod[] {
    return [...this.pods.entries.values()]
      .filter(({ uid }) => this.#podOwners.get(uid) === recordUid)
      .map(({ value }) => value);
  }

  applyPolicy(name: string, data: Record<string, string>, annotations: Record<string, string>): PolicyObject {
    const known = this.configMaps.entries.get(name);
    const before = this.policy(name);
    const version = ++this.#version;
    const uid = known?.uid ?? `uid-${version}`;
    const createdAt = before?.createdAt ?? this.timestamp;
    const policy = { name, uid, resourceVersion: String(version), createdAt, annotations, data };
    this.#put(name, uid, version, { kind: 'policy', policy });
    return policy;
  }

  /** Takes the label away; returns the uid of what is a policy no longer. */
  unlabelPolicy(name: string): string | undefined {
    const uid = this.policy(name) && this.configMaps.entries.get(name)?.uid;
    if (uid !== undefined) this.#put(name, uid, ++this.#version, { kind: 'other', owner: uid });
    return uid;
  }

  deletePolicy(name: string): void {
    this.#drop(name);
  }

  createRun(run: Run, owner: string, replica: number): Change<ConfigMap> | typeof conflict {
    const key = recordKey(run.name);
    if (this.configMaps.entries.has(key)) return conflict;
    this.#monitor.runCreated(run, owner, replica);
    const version = ++this.#version;
    return this.#put(key, `uid-${version}`, version, { kind: 'run', run: this.kubelets.store(run), owner });
  }

  updateRun(run: Run, owner: string, version: string): Change<ConfigMap> | typeof conflict {
    const key = recordKey(run.name);
    const known = this.configMaps.entries.get(key);
    if (known?.value.kind !== 'run' || String(known.version) !== version) return conflict;
    this.#monitor.runUpdated(known.value.run, run);
    return this.#put(key, known.uid, ++this.#version, { kind: 'run', run: this.kubelets.store(run), owner });
  }

  deleteRun(run: string): void {
    this.#drop(recordKey(run));
  }

  /** Without a version the status must not exist yet. */
  writeStatus(
    policy: PolicyObject,
    status: PolicyStatus,
    version: string | undefined,
  ): Change<ConfigMap> | typeof conflict {
    const key = statusKey(policy.name);
    const known = this.configMaps.entries.get(key);
    if (known?.version.toString() !== version) return conflict;
    this.#monitor.statusWritten(known?.value.kind === 'status' ? known.value.status : undefined, status);
    const next = ++this.#version;
    const value: ConfigMap = { kind: 'status', policy: policy.name, status, owner: policy.uid };
    return this.#put(key, known?.uid ?? `uid-${next}`, next, value);
  }

  /** Without a version the ledger must not exist yet. */
  writeLedger(ledger: Ledger, version: string | undefined): Change<ConfigMap> | typeof conflict {
    const key = ledgerKey(ledger.policy);
    const known = this.configMaps.entries.get(key);
    if (known?.version.toString() !== version) return conflict;
    const createdAt = known?.value.kind === 'ledger' ? known.value.createdAt : this.timestamp;
    const next = ++this.#version;
    return this.#put(key, known?.uid ?? `uid-${next}`, next, { kind: 'ledger', ledger, createdAt });
  }

  /** Another version of the ledger stays. */
  deleteLedger({ policy, uid, resourceVersion }: StoredLedger): void {
    const known = this.configMaps.entries.get(ledgerKey(policy));
    if (known?.uid === uid && String(known.version) === resourceVersion) this.#drop(known.key);
  }

  createJob(run: string, owner: string): void {
    if (!this.jobs.has(run)) this.jobs.set(run, owner);
    if (!this.#uids.has(owner)) this.#collectSoon();
  }

  putNode(node: Node): void {
    const before = this.nodes.entries.get(node.name);
    const version = ++this.#version;
    this.nodes.put(node.name, before?.uid ?? `uid-${version}`, version, node);
    this.#monitor.nodeChanged(node.name, node);
    this.#onChange('nodes');
    if (node.ready && before?.value.ready !== true) this.kubelets.thaw(node.name);
  }

  dropNode(name: string): void {
    if (!this.nodes.drop(name, ++this.#version)) return;
    this.#monitor.nodeChanged(name, undefined);
    this.#onChange('nodes');
    this.kubelets.orphan(name);
  }

  /** One that exists is left as it is; returns the pod of that name. */
  createPod(run: Run, owner: string, placed: Node, attempt: number, needs: NodeNeeds): Change<RunPod> | undefined {
    const node = placed.name;
    const name = podName(run.name, node, attempt);
    const existing = this.pods.entries.get(name);
    if (existing !== undefined) return existing;
    const createdAt = this.timestamp;
    const built = this.kubelets.build(run, placed, attempt, needs);
    const pod = { ...built, name, run: run.name, node, attempt, createdAt, phase: 'Pending' } as const;
    const version = ++this.#version;
    const change = this.pods.put(name, `uid-${version}`, version, pod);
    this.#podOwners.set(change.uid, owner);
    this.#monitor.podCreated(pod, run, owner);
    this.kubelets.admit(pod);
    if (!this.#uids.has(owner)) this.#collectSoon();
    this.#onChange('pods');
    return change;
  }

  putPod(pod: RunPod): void {
    const known = this.pods.entries.get(pod.name);
    if (known === undefined) return;
    this.pods.put(pod.name, known.uid, ++this.#version, pod);
    this.#monitor.podChanged(pod, this.#podOwners.get(known.uid) ?? '');
    this.#onChange('pods');
  }

  dropPod(name: string): void {
    const pod = this.pods.entries.get(name)?.value;
    if (pod === undefined) return;
    this.pods.drop(name, ++this.#version);
    this.kubelets.forget(pod);
    this.#onChange('pods');
  }

  #put(key: string, uid: string, version: number, value: ConfigMap): Change<ConfigMap> {
    const change = this.configMaps.put(key, uid, version, value);
    this.#uids.add(uid);
    if (this.#isOrphaned(value)) this.#collectSoon();
    this.#onChange('configMaps');
    return change;
  }

  #drop(key: string): void {
    const uid = this.configMaps.entries.get(key)?.uid;
    if (uid === undefined) return;
    this.configMaps.drop(key, ++this.#version);
    this.#uids.delete(uid);
    this.#collectSoon();
    this.#onChange('configMaps');
  }

  #isOrphaned(value: ConfigMap): boolean {
    return 'owner' in value && !this.#uids.has(value.owner);
  }

  /** Everything that is owned by an object that is not there goes, a little later. */
  #collectSoon(): void {
    if (this.#isCollecting) return;
    this.#isCollecting = true;
    this.timeline.after(collectMs, () => {
      this.#isCollecting = false;
      for (const { key, value } of [...this.configMaps.entries.values()]) if (this.#isOrphaned(value)) this.#drop(key);
      for (const [run, owner] of this.jobs) if (!this.#uids.has(owner)) this.jobs.delete(run);
      for (const { value, uid } of [...this.pods.entries.values()])
        if (!this.#uids.has(this.#podOwners.get(uid) ?? '')) this.kubelets.delete(value.name);
    });
  }
}
