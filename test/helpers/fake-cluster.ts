import { label } from '../../contract/labels.ts';
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
} from '../../scheduler/cluster.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import type { Node, PolicyObject, RunPod, Versioned } from '../../scheduler/objects.ts';
import type { NodeReferences, PodBody, PodTemplate } from '../../scheduler/pods/pod-template.ts';
import { isStartupTaint } from '../../scheduler/pods/startup-taint.ts';
import type { RunKind } from '../../scheduler/run/kind.ts';
import { podName } from '../../scheduler/run/names.ts';
import { decodeRun, encodeRun } from '../../scheduler/run/record.ts';
import type { ImageReports } from '../../scheduler/run/results/losses.ts';
import type { Run } from '../../scheduler/run/run.ts';
import type { ImageSets } from '../../scheduler/sets/image-set.ts';
import { decodeStatus, encodeStatus, type PolicyStatus } from '../../scheduler/status/status.ts';
import { buildReportedPod } from './builders.ts';

/** The call at which the process is killed; nothing after it happens. */
export class Killed extends Error {}

const template: PodTemplate = {
  namespace: 'nodesweep',
  image: 'nodesweep:1',
  serviceAccountName: 'nodesweep-cleaner',
  logLevel: 'info',
};

/** Builds a pod as the adapter to a cluster does. */
function buildBody(run: Run, node: Node, attempt: number, references: NodeReferences): PodBody {
  const { memory } = run.nodes.get(node.name) ?? {};
  const order = { run, runUid: `uid-of-${run.name}`, attempt, references, jobMaps: [`${run.name}.job`], memory };
  return run.kind.buildPod(order, node, template);
}

function isPuller({ metadata }: PodBody): boolean {
  return 'labels' in metadata && (metadata.labels as Record<string, string>)[label.kind] === 'puller';
}

/** All that an API server would hold, with records and statuses as the text they are stored as. */
export class FakeCluster implements Cluster {
  policies: PolicyObject[] = [];
  nodes: Node[] = [];
  orphans: OrphanedRun[] = [];
  orphanedStatuses: OrphanedStatus[] = [];
  pods = new Map<string, RunPod>();
  records = new Map<string, { data: Record<string, string>; version: number }>();
  statusTexts = new Map<string, { data: Record<string, string>; version: number }>();
  jobs = new Map<string, object>();
  ledgers = new Map<string, StoredLedger>();
  kinds: readonly RunKind[] = runKinds;
  events: (PolicyEvent & { policy: string })[] = [];
  /** Every write that was attempted, in order, like `createPod node-1#0`. */
  writes: string[] = [];
  /** The references of the pods that are bound to each node, as they are right now. */
  boundReferences = new Map<string, readonly string[]>();
  /** All that each cleaner pod was told of its node, by its name. */
  told = new Map<string, NodeReferences>();
  /** The cleaners that were told what to remove, in order. */
  removers: { readonly node: string; readonly policy: string; readonly due: readonly string[] }[] = [];
  /** The names of policies that have lost their label. */
  unlabelled = new Set<string>();
  /** The bodies of all pods that were created, by their names. */
  bodies = new Map<string, PodBody>();
  workloadReferences: string[] = [];
  podWarnings = new Map<string, string>();
  /** By pod. */
  imageReports = new Map<string, ImageReports>();
  imageSets: ImageSets = { place: 'in namespace nodesweep', byName: new Map() };
  now = new Date(0);
  /** True if the overlay for the startup taint is installed. */
  mayChangeNodes = false;
  /** Throws for a call by its name; set by tests to provoke errors. */
  fail: (call: string) => void = () => {};
  /** The process is killed before this write (counted from 0). */
  killBefore = Number.POSITIVE_INFINITY;
  #version = 1;

  async start(): Promise<void> {}
  async stop(): Promise<void> {}

  state(): ClusterState {
    return {
      policies: this.policies,
      orphans: this.orphans,
      orphanedStatuses: this.orphanedStatuses,
      ledgers: this.ledgers,
      nodes: this.nodes,
      imageSets: this.imageSets,
      pods: [...this.pods.values()],
      runs: [...this.records.values()].map(({ data, version }) => ({
        value: decodeRun(data, this.kinds),
        resourceVersion: String(version),
      })),
      statuses: new Map(
        [...this.statusTexts].map(([name, { data, version }]) => [
          name,
          { value: decodeStatus(data), resourceVersion: String(version) },
        ]),
      ),
    };
  }

  readClock(): Date {
    return this.now;
  }

  async createRun(_policy: PolicyObject, run: Run): Promise<Creation> {
    this.#write(`createRun ${run.name}`);
    if (this.records.has(run.name))
      return { outcome: 'AlreadyExists', run: this.state().runs.find(({ value }) => value.name === run.name) };
    this.records.set(run.name, { data: encodeRun(run), version: this.#version++ });
    return { outcome: 'Created', run: { value: run, resourceVersion: String(this.#version - 1) } };
  }

  async updateRun({ value: run, resourceVersion }: Versioned<Run>): Promise<string | undefined> {
    this.#write(`updateRun ${run.name} ${run.phase}`);
    const record = this.records.get(run.name);
    if (record === undefined || String(record.version) !== resourceVersion) return undefined;
    this.records.set(run.name, { data: encodeRun(run), version: this.#version++ });
    return String(this.#version - 1);
  }

  async deleteOrphan({ run }: OrphanedRun): Promise<void> {
    await this.deleteRun(run);
    this.orphans = this.orphans.filter((orphan) => orphan.run !== run);
  }

  async deleteOrphanedStatus(orphan: OrphanedStatus): Promise<void> {
    this.#write(`deleteStatus ${orphan.policy}`);
    this.orphanedStatuses = this.orphanedStatuses.filter(({ uid }) => uid !== orphan.uid);
  }

  async deleteRun(run: string): Promise<void> {
    this.#write(`deleteRun ${run}`);
    this.records.delete(run);
    this.jobs.delete(run);
    for (const pod of this.pods.values()) if (pod.run === run) this.pods.delete(pod.name);
  }

  async writeStatus(policy: PolicyObject, status: PolicyStatus): Promise<boolean> {
    this.#write(`writeStatus ${policy.name}`);
    this.statusTexts.set(policy.name, { data: encodeStatus(status), version: this.#version++ });
    return true;
  }

  async writeLedger(ledger: Ledger, before: StoredLedger | undefined): Promise<boolean> {
    this.#write(`writeLedger ${ledger.policy}`);
    const known = this.ledgers.get(ledger.policy);
    if (known?.resourceVersion !== before?.resourceVersion) return false;
    const { uid, createdAt } = known ?? { uid: `uid-of-ledger-${this.#version}`, createdAt: this.now };
    this.ledgers.set(ledger.policy, { ...ledger, uid, createdAt, resourceVersion: String(this.#version++) });
    return true;
  }

  async deleteLedger({ policy }: StoredLedger): Promise<void> {
    this.#write(`deleteLedger ${policy}`);
    this.ledgers.delete(policy);
    if (!this.policies.some(({ name }) => name === policy)) this.collectGarbage(policy);
  }

  async hasPolicy(name: string): Promise<boolean> {
    return this.policies.some((policy) => policy.name === name) || this.unlabelled.has(name);
  }

  /** Deletes what a policy or its ledger owns, as the garbage collector does. */
  collectGarbage(policy: string): void {
    const runs = this.state().runs.filter(({ value }) => value.policy === policy);
    for (const { value } of runs) {
      this.records.delete(value.name);
      for (const pod of this.pods.values()) if (pod.run === value.name) this.pods.delete(pod.name);
    }
    this.statusTexts.delete(policy);
  }

  async hasJob(run: Run): Promise<boolean> {
    this.fail('hasJob');
    return this.jobs.has(run.name);
  }

  async createJob(run: Run, job: object): Promise<void> {
    this.#write(`createJob ${run.name}`);
    if (!this.jobs.has(run.name)) this.jobs.set(run.name, job);
  }

  async createPod(run: Run, node: Node, attempt: number, needs: NodeNeeds): Promise<Date | undefined> {
    this.#write(`createPod ${node.name}#${attempt}`);
    const name = podName(run.name, node.name, attempt);
    if (this.pods.has(name)) return undefined;
    const { references: bound, prepulled, due, pullVerdicts } = needs;
    const references = { bound, prepulled, due, ...(pullVerdicts && { pullVerdicts }) };
    this.told.set(name, references);
    if (needs.due !== undefined) this.removers.push({ node: node.name, policy: run.policy, due: needs.due });
    const body = buildBody(run, node, attempt, references);
    this.bodies.set(name, body);
    this.pods.set(name, {
      ...(isPuller(body) ? { kind: 'puller', containers: [] } : { kind: 'cleaner', due: needs.due }),
      name,
      run: run.name,
      node: node.name,
      attempt,
      createdAt: this.now,
      phase: isPuller(body) ? 'Pending' : 'Running',
    });
    return this.now;
  }

  async deletePod(pod: string): Promise<void> {
    this.#write(`deletePod ${this.pods.get(pod)?.node}`);
    this.pods.delete(pod);
  }

  async deletePods(run: string, kept: readonly string[] = []): Promise<void> {
    this.#write(`deletePods ${run}`);
    for (const { name, run: owner } of this.pods.values())
      if (owner === run && !kept.includes(name)) this.pods.delete(name);
  }

  async recordEvent(policy: PolicyObject, event: PolicyEvent): Promise<void> {
    this.#write(`recordEvent ${event.reason}`);
    this.events.push({ ...event, policy: policy.name });
  }

  async readPodWarning(pod: string): Promise<string | undefined> {
    return this.podWarnings.get(pod);
  }

  async readImageReports(pod: string): Promise<ImageReports> {
    this.fail('readImageReports');
    return this.imageReports.get(pod) ?? new Map();
  }

  async mayRemoveStartupTaint(): Promise<boolean> {
    this.fail('mayRemoveStartupTaint');
    return this.mayChangeNodes;
  }

  async removeStartupTaint({ name, createdAt }: Node): Promise<void> {
    this.#write(`removeStartupTaint ${name}`);
    this.nodes = this.nodes.map((node) =>
      node.name === name && node.createdAt?.getTime() === createdAt?.getTime()
        ? { ...node, taints: node.taints.filter((taint) => !isStartupTaint(taint)) }
        : node,
    );
  }

  async readBoundPods(nodes: readonly string[]): Promise<ReadonlyMap<string, BoundPods>> {
    this.fail('readBoundPods');
    return new Map(
      nodes.map((node) => {
        const references = this.boundReferences.get(node) ?? [];
        return [node, { references, count: references.length }];
      }),
    );
  }

  async listWorkloadReferences(): Promise<string[]> {
    this.fail('listWorkloadReferences');
    return this.workloadReferences;
  }

  /** Ends the running pods of some nodes (all by default) with a report. */
  finishPods(
    report: Parameters<typeof buildReportedPod>[1] = {},
    nodes: readonly string[] = this.nodes.map(({ name }) => name),
  ): void {
    for (const pod of this.pods.values()) {
      if (pod.phase !== 'Running' || !nodes.includes(pod.node)) continue;
      this.pods.set(
        pod.name,
        buildReportedPod(pod.node, report, { ...pod, phase: report.outcome === 'Failed' ? 'Failed' : 'Succeeded' }),
      );
    }
  }

  #write(call: string): void {
    if (this.writes.length >= this.killBefore) throw new Killed();
    this.writes.push(call);
    this.fail(call);
  }
}
