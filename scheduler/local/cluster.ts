import { readFile, rm } from 'node:fs/promises';
import type { Server } from 'node:net';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BoundPods, Cluster, ClusterState, Creation, Ledger, NodeNeeds, StoredLedger } from '../cluster.ts';
import { localKinds } from '../kinds.ts';
import type { Log } from '../log.ts';
import type { Node, PolicyObject, RunPod, Versioned } from '../objects.ts';
import type { NodeReferences } from '../pods/pod-template.ts';
import { podName } from '../run/names.ts';
import { waiting } from '../run/progress.ts';
import { decodeRun, encodeRun } from '../run/record.ts';
import type { ImageReports } from '../run/results/losses.ts';
import type { Run } from '../run/run.ts';
import { namesOf } from '../sets/problems.ts';
import { decodeStatus, encodeStatus, type PolicyStatus } from '../status/status.ts';
import { createFile } from './files.ts';
import { lockState } from './lock.ts';
import { EndpointError, localNodes } from './nodes.ts';
import { localTemplate, type PodContent, readBody } from './pod-body.ts';
import { type CleanerOrder, type Launch, LocalPods } from './pods.ts';
import { PolicyDirectory } from './policies.ts';
import { LocalPullers } from './pullers.ts';
import { type Codec, LocalStore } from './store.ts';

/** The options of `nodesweep local`. */
export interface LocalOptions {
  readonly policies: string;
  /** `name=endpoint` pairs; an empty list means this machine. */
  readonly endpoint?: readonly string[];
  readonly state: string;
  readonly logLevel: string;
  /** The port of the status page on loopback; 0 is a free one. Undefined: no page. */
  readonly page?: number | undefined;
}

/** The interval at which the directory is read, because file notifications do not work on every filesystem. */
const refreshMs = 1_000;

/** Opens the cluster of `nodesweep local`. Throws an EndpointError if an endpoint is not valid. */
export function openLocalCluster(options: LocalOptions, launch: Omit<Launch, 'logLevel'>, log: Log): Cluster {
  const state = resolve(options.state);
  const nodes = localNodes(options.endpoint ?? [], hostname(), state);
  return new LocalCluster({
    nodes,
    state,
    policies: resolve(options.policies),
    launch: { ...launch, logLevel: options.logLevel },
    log,
  });
}

interface LocalSetup {
  readonly nodes: readonly Node[];
  readonly policies: string;
  readonly state: string;
  readonly launch: Launch;
  readonly log: Log;
}

const ledgerCodec: Codec<Ledger> = {
  encode: ({ policy, policyUid, kind, data }) => ({ policy, policyUid, kind, ...data }),
  decode: ({ policy = '', policyUid = '', kind = '', ...data }) => ({ policy, policyUid, kind, data }),
};

/** A ledger with the fields that a cluster would add. */
function storedLedger({ value, resourceVersion }: Versioned<Ledger>): StoredLedger {
  return { ...value, uid: value.policyUid, resourceVersion, createdAt: new Date(0) };
}

/** The cluster port on one machine: policies and records are files, cleaners are child processes, and this process pulls. */
class LocalCluster implements Cluster {
  readonly #setup: LocalSetup;
  readonly #policies: PolicyDirectory;
  readonly #runs: LocalStore<Run>;
  readonly #statuses: LocalStore<PolicyStatus>;
  readonly #ledgers: LocalStore<Ledger>;
  readonly #pods: LocalPods;
  readonly #pullers: LocalPullers;
  /** The names of the runs that were started for a policy that was gone. Its ledger owns them. */
  readonly #runsOfLedgers = new Set<string>();
  readonly #stopping = new AbortController();
  #lock: Server | undefined;
  #watching: Promise<void> | undefined;
  /** The last message about the directory, so that it is not logged every second. */
  #trouble: string | undefined;
  #onChange: () => void = () => {};

  constructor(setup: LocalSetup) {
    const { policies, state, launch, log } = setup;
    this.#setup = setup;
    this.#policies = new PolicyDirectory(policies, log);
    this.#runs = new LocalStore(join(state, 'runs'), this.#runCodec(), log);
    this.#statuses = new LocalStore(join(state, 'statuses'), { encode: encodeStatus, decode: decodeStatus }, log);
    this.#ledgers = new LocalStore(join(state, 'ledgers'), ledgerCodec, log);
    this.#pods = new LocalPods(join(state, 'pods'), launch, () => this.#onChange());
    this.#pullers = new LocalPullers(join(state, 'pullers'), launch, () => this.#onChange());
  }

  async start(onChange: () => void): Promise<void> {
    await this.#policies.refresh(new Date());
    this.#lock = await lockState(this.#setup.state);
    const parts = [this.#runs, this.#statuses, this.#ledgers, this.#pods, this.#pullers];
    await Promise.all(parts.map((part) => part.load()));
    await this.#collectGarbage();
    this.#onChange = onChange;
    this.#watching = this.#watchPolicies();
  }

  async stop(): Promise<void> {
    this.#onChange = () => {};
    this.#stopping.abort();
    await this.#watching;
    await Promise.all([this.#pods.stop(), this.#pullers.stop()]);
    this.#lock?.close();
  }

  state(): ClusterState {
    return {
      policies: this.#policies.policies(),
      statuses: this.#statuses.entries(),
      ledgers: new Map([...this.#ledgers.entries()].map(([policy, stored]) => [policy, storedLedger(stored)])),
      runs: [...this.#runs.entries().values()],
      nodes: this.#setup.nodes,
      pods: this.#listPods(),
      imageSets: { place: 'in the directory of the policies', byName: this.#policies.sets() },
    };
  }

  readClock(): Date {
    return new Date();
  }

  async writeLedger(ledger: Ledger, before: StoredLedger | undefined): Promise<boolean> {
    if (this.#ledgers.entries().get(ledger.policy)?.resourceVersion !== before?.resourceVersion) return false;
    await this.#ledgers.replace(ledger.policy, ledger);
    return true;
  }

  async deleteLedger({ policy }: StoredLedger): Promise<void> {
    await this.#ledgers.delete(policy);
    await this.#collectGarbage();
  }

  /** True also while a file can't be read, because the policy may be in it. */
  async hasPolicy(name: string): Promise<boolean> {
    return !this.#policies.isComplete() || this.#policies.policies().some((policy) => policy.name === name);
  }

  async createRun({ name }: PolicyObject, run: Run): Promise<Creation> {
    if (!this.#policies.policies().some((policy) => policy.name === name)) this.#runsOfLedgers.add(run.name);
    const resourceVersion = await this.#runs.create(run.name, run);
    if (resourceVersion !== undefined) return { outcome: 'Created', run: { value: run, resourceVersion } };
    const existing = this.#runs.entries().get(run.name);
    // Only this process writes records, so it has read every one that it can read.
    return existing === undefined ? { outcome: 'Unreadable' } : { outcome: 'AlreadyExists', run: existing };
  }

  async updateRun({ value: run, resourceVersion }: Versioned<Run>): Promise<string | undefined> {
    if (this.#runs.entries().get(run.name)?.resourceVersion !== resourceVersion) return undefined;
    return this.#runs.replace(run.name, run);
  }

  /** Does nothing: a run is deleted together with its policy. */
  async deleteOrphan(): Promise<void> {}

  /** Does nothing: a status is deleted together with its policy. */
  async deleteOrphanedStatus(): Promise<void> {}

  async deleteRun(run: string): Promise<void> {
    await this.#runs.delete(run);
    this.#runsOfLedgers.delete(run);
    await rm(this.#jobFile(run), { force: true });
    await this.deletePods(run);
  }

  async writeStatus(policy: PolicyObject, status: PolicyStatus): Promise<boolean> {
    await this.#statuses.replace(policy.name, status);
    return true;
  }

  /** Returns false: to create a file that exists costs nothing. */
  async hasJob(): Promise<boolean> {
    return false;
  }

  async createJob(run: Run, job: object): Promise<void> {
    await createFile(this.#jobFile(run.name), JSON.stringify(job));
  }

  /** Nobody asks here for the time in the pod. */
  async createPod(run: Run, node: Node, attempt: number, needs: NodeNeeds): Promise<undefined> {
    const { runtime } = node;
    if (runtime === undefined) throw new EndpointError(`node ${node.name} has no known runtime socket`);
    const name = podName(run.name, node.name, attempt);
    const place = { name, run: run.name, node: node.name, attempt, runtime };
    const references = this.#referencesOn(node, needs);
    const content = await this.#contentOf(run, node, attempt, references);
    if (content.kind === 'cleaner')
      await this.#pods.create({ ...place, job: content.job, references, sets: this.#setsFor(run) });
    else {
      this.#reportSecrets(run, content.imagePullSecrets);
      await this.#pullers.create({ ...place, spec: content.spec });
    }
  }

  /** Logs that there are no Secrets, because a pull may then fail for a reason that the registry does not tell. */
  #reportSecrets({ name, policy }: Run, secrets: readonly string[]): void {
    if (secrets.length === 0) return;
    const advice = 'a pull uses the credentials in the configuration of the runtime';
    const message = `run ${name}: imagePullSecrets (${secrets.join(', ')}) are not used without a cluster; ${advice}`;
    this.#setup.log.warn({ policy, run: name }, message);
  }

  /**
   * The texts of the sets that the policy of a run names; undefined if it names none. A set that can't be read is left out, so the
   * cleaner misses it, and removes nothing that it could protect.
   */
  #setsFor({ kind, spec }: Run): CleanerOrder['sets'] {
    const needs = kind.setsOf?.(spec);
    const sets = namesOf(needs?.uses ?? []).flatMap((name) => this.#policies.sets().get(name) ?? []);
    const readable = sets.filter(({ content }) => content.kind === 'Readable');
    return needs && new Map(readable.map(({ name, texts }) => [name, texts]));
  }

  /** The needs of a node, with the images of pullers there, which no container on this machine uses. */
  #referencesOn(node: Node, { references, prepulled, due, pullVerdicts }: NodeNeeds): NodeReferences {
    const held = this.#pullers.imagesOn(node.name).filter((image) => !prepulled.includes(image));
    return { bound: [...references, ...held], prepulled, due, pullVerdicts };
  }

  /** The pods of a kind that only removes images have the job of the run. The others say themselves what to do. */
  async #contentOf(run: Run, node: Node, attempt: number, references: NodeReferences): Promise<PodContent> {
    if (run.kind.removesImages !== false)
      return { kind: 'cleaner', job: await readFile(this.#jobFile(run.name), 'utf8') };
    const { memory } = run.nodes.get(node.name) ?? waiting;
    const order = { run, runUid: run.name, attempt, references, jobMaps: [], memory };
    return readBody(run.kind.buildPod(order, node, localTemplate));
  }

  async deletePod(pod: string): Promise<void> {
    await Promise.all([this.#pods.delete(pod), this.#pullers.delete(pod)]);
  }

  async deletePods(run: string, kept: readonly string[] = []): Promise<void> {
    for (const { name, run: owner } of this.#listPods())
      if (owner === run && !kept.includes(name)) await this.deletePod(name);
  }

  /** Does nothing: the log has all events, and there is no place for them here. */
  async recordEvent(): Promise<void> {}

  /** Returns nothing: a process that can't start ends immediately, with the cause. */
  async readPodWarning(): Promise<undefined> {
    return undefined;
  }

  /** Returns nothing: no kubelet reports the images of this machine. */
  async readImageReports(): Promise<ImageReports> {
    return new Map();
  }

  /** Returns false: the nodes here have no taints. */
  async mayRemoveStartupTaint(): Promise<boolean> {
    return false;
  }

  async removeStartupTaint(): Promise<void> {}

  /** Returns no references: the other pods that are about to start on this machine are unknown. */
  async readBoundPods(nodes: readonly string[]): Promise<ReadonlyMap<string, BoundPods>> {
    return new Map(nodes.map((node) => [node, { references: [], count: 0 }]));
  }

  async listWorkloadReferences(): Promise<string[]> {
    return [];
  }

  async #watchPolicies(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await sleep(refreshMs, undefined, { signal }).catch(() => {});
      if (!signal.aborted) await this.#refresh();
    }
  }

  async #refresh(): Promise<void> {
    try {
      const isChanged = await this.#policies.refresh(new Date());
      this.#trouble = undefined;
      if (!isChanged) return;
      await this.#collectGarbage();
      this.#onChange();
    } catch (err) {
      if (this.#trouble !== String(err)) this.#setup.log.error({ err }, `the policies did not change: ${String(err)}`);
      this.#trouble = String(err);
    }
  }

  /** Deletes all objects whose owner is deleted, as a cluster does. A policy owns its runs and its status. */
  async #collectGarbage(): Promise<void> {
    if (!this.#policies.isComplete()) return;
    const policies = new Set(this.#policies.policies().map(({ name }) => name));
    for (const policy of this.#statuses.entries().keys())
      if (!policies.has(policy)) await this.#statuses.delete(policy);
    for (const { value } of this.#runs.entries().values())
      if (!this.#hasOwner(value, policies)) await this.deleteRun(value.name);
    for (const pod of this.#listPods()) if (!this.#runs.entries().has(pod.run)) await this.deletePod(pod.name);
  }

  /** The ledger of a deleted policy owns the runs that take away what the policy has left. A new policy does not own them. */
  #hasOwner({ name, policy }: Run, policies: ReadonlySet<string>): boolean {
    if (!this.#runsOfLedgers.has(name)) return policies.has(policy);
    return !policies.has(policy) && this.#ledgers.entries().has(policy);
  }

  /** Stores with a run if a ledger owns it. */
  #runCodec(): Codec<Run> {
    return {
      encode: (run) => ({ ...encodeRun(run), ...(this.#runsOfLedgers.has(run.name) && { owner: 'lists' }) }),
      decode: ({ owner, ...data }) => {
        const run = decodeRun(data, localKinds);
        if (owner === 'lists') this.#runsOfLedgers.add(run.name);
        return run;
      },
    };
  }

  #listPods(): RunPod[] {
    return [...this.#pods.list(), ...this.#pullers.list()];
  }

  #jobFile(run: string): string {
    return join(this.#setup.state, 'jobs', `${run}.json`);
  }
}
