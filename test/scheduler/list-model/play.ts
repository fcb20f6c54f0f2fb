import type { Node } from '../../../scheduler/objects.ts';
import { isFinished } from '../../../scheduler/run/run.ts';
import { buildNode } from '../../helpers/builders.ts';
import { disturb, stalenessOf } from '../model-disturbances.ts';
import { createReplicas, type Replica } from '../model-replica.ts';
import { Timeline } from '../model-timeline.ts';
import { World } from '../model-world.ts';
import { EndState } from './end-state.ts';
import type { ListHistory, ListPolicy, NodeChange, Step } from './history.ts';
import { images } from './images.ts';
import { ListInvariants } from './invariants.ts';
import { ListKubelets } from './kubelets.ts';
import { Truth } from './truth.ts';

const start = new Date('2026-03-02T10:00:30Z');
/** All that a scheduler that knows everything can take until a node that is new has its first pod (P9). */
const serveMs = 5_000;
/** The seconds after which nothing is left of a policy that was deleted while all worked together. */
const takeAwaySeconds = 900;
const written = new Map<string, Record<string, string>>();

/** Plays a history to its end, and on until all is quiet; returns what was violated. */
export async function playLists(history: ListHistory): Promise<readonly string[]> {
  const stage = new Stage(history);
  await stage.begin();
  for (const step of history.steps) {
    await stage.carryOut(step);
    if (stage.violations.length > 0) return stage.violations;
  }
  await stage.finish();
  return stage.violations;
}

class Stage {
  readonly #history: ListHistory;
  readonly #timeline = new Timeline(start);
  readonly #truth = new Truth();
  readonly #invariants: ListInvariants;
  readonly #world: World<ListKubelets>;
  readonly #endState: EndState;
  readonly #replicas: Replica[];
  readonly #policies = new Map<string, ListPolicy | undefined>();
  /** Since when a node waits for its images although nothing prevents them. */
  readonly #unservedSince = new Map<string, number>();
  #requests = 0;

  constructor(history: ListHistory) {
    this.#history = history;
    this.#invariants = new ListInvariants(this.#timeline, this.#truth, stalenessOf(history.steps, history.replicas));
    const onChange = (table: 'configMaps' | 'nodes' | 'pods') => {
      for (const replica of this.#replicas) replica.hear(table);
    };
    this.#world = new World(
      this.#timeline,
      this.#invariants,
      onChange,
      (world) => new ListKubelets(world, this.#invariants),
    );
    this.#invariants.watch(this.#world);
    this.#endState = new EndState(this.#world, this.#truth, (violation) => this.#invariants.report(violation));
    this.#replicas = createReplicas(this.#world, history, (violation) => this.#invariants.report(violation));
  }

  get violations(): readonly string[] {
    return this.#invariants.violations;
  }

  async begin(): Promise<void> {
    for (let index = 1; index <= this.#history.nodes; index += 1)
      this.#world.putNode(newNode(`n${index}`, index % 2 === 0 ? 'y' : 'x'));
    this.#apply('base', this.#history.policy);
    this.#refresh();
    for (const replica of this.#replicas) replica.start();
    await this.#wait(1);
  }

  async carryOut(step: Step): Promise<void> {
    await this.#do(step);
    this.#refresh();
  }

  /** Everybody works together from now on: every policy gets what it wants, and nothing else is left of any. */
  async finish(): Promise<void> {
    const { kubelets } = this.#world;
    kubelets.cooperate();
    kubelets.registry.recover();
    for (const { value: node } of [...this.#world.nodes.entries.values()]) {
      this.#world.putNode({ ...node, ready: true, taints: [], unschedulable: false });
      kubelets.runtimeOf(node.name).used.clear();
      kubelets.runtimeOf(node.name).isFull = false;
    }
    for (const [name, policy] of this.#policies) this.#correct(name, policy);
    this.#refresh();
    for (const replica of this.#replicas) replica.recover();
    // A run that has begun in worse times ends at its deadline. Then two refreshes follow.
    const deadlines = [...this.#policies.values()].map((policy) => policy?.fields.activeDeadlineSeconds ?? 0);
    const wasCutOff = this.#history.steps.some(({ step }) => step === 'CutOff');
    const wasDeleted = this.#history.steps.some(({ step }) => step === 'Delete');
    await this.#wait(Math.max(wasCutOff ? 140 : 20, wasDeleted ? takeAwaySeconds : 0, ...deadlines));
    const periods = [...this.#policies.values()].map((policy) => (policy === undefined ? 0 : periodOf(policy)));
    await this.#wait(2 * Math.max(0, ...periods));
    await this.#waitForRuns();
    if (this.violations.length > 0) return;
    this.#endState.check();
    for (const name of [...this.#policies.keys()]) this.#delete(name);
    this.#delete('sweep');
    this.#refresh();
    await this.#wait(takeAwaySeconds);
    if (this.violations.length === 0) this.#endState.checkNothingLeft();
  }

  async #do(step: Step): Promise<void> {
    const { kubelets } = this.#world;
    switch (step.step) {
      case 'Wait':
        return this.#wait(step.seconds);
      case 'Apply':
        return this.#apply(step.policy, step.as);
      case 'Suspend':
      case 'Resume': {
        const policy = this.#policies.get(step.policy);
        const suspend = step.step === 'Suspend';
        if (policy !== undefined) this.#apply(step.policy, { ...policy, fields: { ...policy.fields, suspend } });
        return;
      }
      case 'Delete':
        return this.#delete(step.policy);
      case 'Run':
      case 'Purge':
        return this.#request(step.policy, step.step);
      case 'Sweep':
        this.#world.applyPolicy('sweep', sweep, { 'nodesweep.io/run-at': String(++this.#requests) });
        return;
      case 'Node':
        return this.#changeNode(step.node, step.change);
      case 'Fate':
        return kubelets.plan(step.node, step.fate);
      case 'DeletePods':
        for (const { value: pod } of [...this.#world.pods.entries.values()])
          if (pod.node === step.node) kubelets.delete(pod.name);
        return;
      case 'Registry':
        return kubelets.registry.set(step.image, step.answer);
      case 'Move':
        return kubelets.registry.move(step.image);
      case 'Lose':
        if (!kubelets.isInUse(step.node, step.image)) kubelets.runtimeOf(step.node).images.delete(step.image);
        return;
      case 'Use':
        if (kubelets.runtimeOf(step.node).images.has(step.image)) kubelets.runtimeOf(step.node).used.add(step.image);
        return;
      case 'Release':
        kubelets.runtimeOf(step.node).used.delete(step.image);
        return;
      case 'Fill':
      case 'Drain':
        kubelets.runtimeOf(step.node).isFull = step.step === 'Fill';
        return;
      default:
        return disturb(this.#replicas, step);
    }
  }

  #apply(name: string, policy: ListPolicy | undefined): void {
    const { annotations = {} } = this.#world.policy(name) ?? {};
    const object = this.#world.applyPolicy(name, dataOf(policy), annotations);
    this.#policies.set(name, policy);
    this.#truth.applied(name, object.uid, policy);
  }

  /** Makes a policy one that runs: the last version that was valid, if it was ever. */
  #correct(name: string, policy = this.#truth.lastValidOf(name)): void {
    if (policy === undefined) this.#delete(name);
    else if (this.#policies.get(name) !== policy || policy.fields.suspend)
      this.#apply(name, { ...policy, fields: { ...policy.fields, suspend: false } });
  }

  #request(name: string, what: 'Run' | 'Purge'): void {
    const policy = this.#world.policy(name);
    if (policy === undefined) return;
    const request = String(++this.#requests);
    const key = what === 'Run' ? 'nodesweep.io/run-at' : 'nodesweep.io/purge-at';
    this.#world.applyPolicy(name, policy.data, { ...policy.annotations, [key]: request });
    if (what === 'Run') this.#truth.runRequested(name, request);
    else this.#truth.purgeRequested(name);
  }

  #delete(name: string): void {
    this.#world.deletePolicy(name);
    this.#policies.delete(name);
    this.#truth.deleted(name);
  }

  #changeNode(name: string, change: NodeChange): void {
    const known = this.#world.nodes.entries.get(name)?.value;
    if (change === 'Removed') this.#world.dropNode(name);
    else if (change === 'Returned' && known === undefined) this.#world.putNode(newNode(name, 'x'));
    else if (change === 'Replaced') this.#replaceNode(name);
    else if (known !== undefined) this.#world.putNode({ ...known, ...changeOf(change, this.#world.timestamp) });
  }

  /** Another machine gets the name. */
  #replaceNode(name: string): void {
    this.#world.dropNode(name);
    for (const { value: pod } of [...this.#world.pods.entries.values()])
      if (pod.node === name) this.#world.dropPod(pod.name);
    this.#world.kubelets.discard(name);
    this.#truth.discard(name);
    this.#invariants.discard(name);
    this.#world.putNode({ ...newNode(name, 'y'), createdAt: this.#world.timestamp });
  }

  #refresh(): void {
    this.#truth.update(
      [...this.#world.nodes.entries.values()].map(({ value }) => value),
      this.#timeline.now,
    );
  }

  async #waitForRuns(): Promise<void> {
    const isActive = () =>
      this.#truth.policies().some(({ uid }) => this.#world.runs(uid).some(({ run }) => !isFinished(run)));
    const isAtWork = () => isActive() || !this.#replicas.some(({ isCalm }) => isCalm);
    for (let tries = 0; tries < 300 && isAtWork(); tries += 1) await this.#wait(1);
  }

  async #wait(seconds: number): Promise<void> {
    const end = this.#timeline.now + seconds * 1000;
    if (this.violations.length > 0) return;
    await this.#timeline.advance(end, () => this.#settle());
    this.#checkCalm();
  }

  /** Lets every process do what it can do at this instant. */
  async #settle(): Promise<void> {
    this.#invariants.look();
    if (!this.#replicas.some(({ isPassing }) => isPassing)) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#checkCalm();
  }

  #checkCalm(): void {
    if (!this.#replicas.some(({ isCalm }) => isCalm)) return;
    this.#truth.observed();
    this.#refresh();
    for (const { name, uid, current } of this.#truth.policies())
      if (current !== undefined && current.fields.newNodes !== false && current.fields.suspend !== true)
        this.#checkServed(name, uid);
  }

  /** A node that needs images gets a run at once, unless the run before has gone wrong as a whole (P9). */
  #checkServed(name: string, uid: string): void {
    const { now } = this.#timeline;
    const runs = this.#world.runs(uid).map(({ run }) => run);
    for (const { value: node } of this.#world.nodes.entries.values()) {
      const wishes = this.#truth.wishesOf(name, node.name);
      const wishedAt = Math.max(...wishes.values());
      const isServed = this.#invariants.hasTried(name, node.name, wishes.keys());
      const isReady = node.ready && !node.unschedulable && node.taints.length === 0;
      const isHeldBack = runs.some((run) => !isFinished(run) || (run.phase === 'Failed' && endOf(run) >= wishedAt));
      const key = `${uid} ${node.name}`;
      if (isServed || !isReady || isHeldBack) this.#unservedSince.delete(key);
      else if (!this.#unservedSince.has(key)) this.#unservedSince.set(key, now);
      else if (now - (this.#unservedSince.get(key) ?? now) > serveMs)
        this.#invariants.report(`policy ${name}: node ${node.name} waits for its images (P9)`);
    }
  }
}

function endOf({ finishedAt }: { readonly finishedAt?: Date | undefined }): number {
  return finishedAt?.getTime() ?? Number.POSITIVE_INFINITY;
}

/** A policy that cleans all nodes of everything. Its pods are cleaners of the model, which keep only what is protected. */
const sweep = { 'cleanup.yaml': JSON.stringify({ schedule: '@yearly', ttlSecondsAfterFinished: 0 }) };

/** The data of a policy; the same object for the same policy, since it is parsed once for each. */
function dataOf(policy: ListPolicy | undefined): Record<string, string> {
  const text = policy === undefined ? 'schedule: nonsense' : JSON.stringify(documentOf(policy));
  const data = written.get(text) ?? { 'prepull.yaml': text };
  written.set(text, data);
  return data;
}

function documentOf({ lists, fields }: ListPolicy): object {
  return {
    ...fields,
    lists: lists.map((list, index) => ({
      name: `list-${index}`,
      images: list.images,
      ...(list.pool !== undefined && { nodes: { matchLabels: { pool: list.pool } } }),
      ...(list.images.some((image) => images.secret.includes(image)) && { imagePullSecrets: [{ name: 'registry' }] }),
    })),
  };
}

function periodOf({ fields: { schedule } }: ListPolicy): number {
  return Number.parseInt(schedule.slice(2), 10) * 60;
}

function newNode(name: string, pool: string): Node {
  return buildNode(name, { labels: { pool } });
}

function changeOf(change: NodeChange, now: Date): Partial<Node> {
  switch (change) {
    case 'NotReady':
      return { ready: false, readySince: now };
    case 'Ready':
      return { ready: true, readySince: now };
    case 'Cordoned':
      return { unschedulable: true };
    case 'Uncordoned':
      return { unschedulable: false };
    case 'Tainted':
      return { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] };
    case 'Untainted':
      return { taints: [] };
    case 'x':
    case 'y':
      return { labels: { pool: change } };
    case 'Removed':
    case 'Returned':
    case 'Replaced':
      return {};
    default:
      return change satisfies never;
  }
}
