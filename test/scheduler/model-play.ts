import type { CleanupDocument } from '../../scheduler/cleanup/policy.ts';
import type { Node } from '../../scheduler/objects.ts';
import { buildNode } from '../helpers/builders.ts';
import { CalmChecks } from './model-calm.ts';
import { disturb, stalenessOf } from './model-disturbances.ts';
import type { History, NodeChange, Step } from './model-history.ts';
import { Invariants } from './model-invariants.ts';
import { Kubelets } from './model-kubelet.ts';
import { Oracle } from './model-oracle.ts';
import { createReplicas, type Replica } from './model-replica.ts';
import { Timeline } from './model-timeline.ts';
import { World } from './model-world.ts';

const start = new Date('2026-03-02T10:00:30Z');
const written = new Map<string, Record<string, string>>();

/** The data of a policy; the same object for the same document, since it is parsed once for each. */
function dataOf(document: CleanupDocument | undefined): Record<string, string> {
  const text = document === undefined ? 'schedule: nonsense' : JSON.stringify(document);
  const data = written.get(text) ?? { 'cleanup.yaml': text };
  written.set(text, data);
  return data;
}

/** Plays a history to its end, and on until all is quiet; returns what was violated. */
export async function play(history: History): Promise<readonly string[]> {
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
  readonly #history: History;
  readonly #timeline = new Timeline(start);
  readonly #oracle = new Oracle();
  readonly #invariants: Invariants;
  readonly #world: World<Kubelets>;
  readonly #calmChecks: CalmChecks;
  readonly #replicas: Replica[];
  /** The uids of policies that have lost their label, by name. */
  readonly #unlabelled = new Map<string, string>();
  readonly #documents = new Map<string, CleanupDocument | undefined>();

  constructor(history: History) {
    this.#history = history;
    this.#invariants = new Invariants(this.#timeline, this.#oracle, stalenessOf(history.steps, history.replicas));
    const onChange = (table: 'configMaps' | 'nodes' | 'pods') => {
      for (const replica of this.#replicas) replica.hear(table);
    };
    this.#world = new World(this.#timeline, this.#invariants, onChange, (world) => new Kubelets(world));
    this.#invariants.watch(this.#world);
    this.#calmChecks = new CalmChecks(this.#world, this.#oracle, (violation) => this.#invariants.report(violation));
    this.#replicas = createReplicas(this.#world, history, (violation) => this.#invariants.report(violation));
  }

  get violations(): readonly string[] {
    return this.#invariants.violations;
  }

  async begin(): Promise<void> {
    for (let index = 1; index <= this.#history.nodes; index += 1) this.#world.putNode(newNode(`n${index}`));
    this.#apply('alpha', this.#history.document);
    for (const replica of this.#replicas) replica.start();
    await this.#wait(1);
  }

  async carryOut(step: Step): Promise<void> {
    const world = this.#world;
    switch (step.step) {
      case 'Wait':
        return this.#wait(step.seconds);
      case 'Apply':
        return this.#apply(step.policy, step.document);
      case 'Suspend':
      case 'Resume': {
        const document = this.#documents.get(step.policy);
        if (document !== undefined) this.#apply(step.policy, { ...document, suspend: step.step === 'Suspend' });
        return;
      }
      case 'Delete':
        return this.#delete(step.policy);
      case 'Unlabel': {
        const uid = world.unlabelPolicy(step.policy);
        if (uid === undefined) return;
        this.#unlabelled.set(step.policy, uid);
        this.#documents.delete(step.policy);
        return this.#oracle.deleted(step.policy);
      }
      case 'Annotate': {
        const policy = world.policy(step.policy);
        if (policy === undefined) return;
        const annotations = { ...policy.annotations, [`nodesweep.io/${step.key}`]: step.value };
        const object = world.applyPolicy(policy.name, policy.data, annotations);
        return this.#oracle.applied(object, this.#documents.get(policy.name), this.#timeline.now);
      }
      case 'Node':
        return this.#changeNode(step.node, step.change);
      case 'Fate':
        return world.kubelets.plan(step.node, step.fate);
      case 'DeletePods':
        for (const { value: pod } of [...world.pods.entries.values()])
          if (pod.node === step.node) world.kubelets.delete(pod.name);
        return;
      default:
        return disturb(this.#replicas, step);
    }
  }

  /** Everybody works together from now on: what is due starts, every run ends, and nothing is left over. */
  async finish(): Promise<void> {
    this.#world.kubelets.cooperate();
    for (const { value } of [...this.#world.nodes.entries.values()]) this.#world.putNode({ ...value, ready: true });
    for (const replica of this.#replicas) replica.recover();
    // A step that has failed for long is tried again after two minutes at the latest.
    await this.#wait(this.#history.steps.some(({ step }) => step === 'CutOff') ? 140 : 20);
    const nextStart = this.#oracle.nextStart(this.#timeline.now);
    if (Number.isFinite(nextStart)) await this.#wait((nextStart - this.#timeline.now) / 1000 + 20);
    for (const { name } of this.#oracle.policies()) await this.carryOut({ step: 'Suspend', policy: name });
    const isLimited = [...this.#documents.values()].some(
      (document) =>
        document?.successfulRunsHistoryLimit !== undefined || document?.failedRunsHistoryLimit !== undefined,
    );
    await this.#wait(isLimited ? 700 : 60);
    for (const { name } of this.#oracle.policies()) this.#delete(name);
    for (const [name, uid] of this.#unlabelled) {
      const [left] = this.#world.runs(uid);
      if (left !== undefined)
        this.#invariants.report(`${left.run.name} is left of policy ${name}, which is none (C31)`);
      this.#world.deletePolicy(name);
    }
    await this.#wait(20);
    if (this.violations.length === 0) this.#calmChecks.checkNothingLeft();
  }

  #apply(name: string, document: CleanupDocument | undefined): void {
    const data = dataOf(document);
    const object = this.#world.applyPolicy(name, data, this.#world.policy(name)?.annotations ?? {});
    this.#documents.set(name, document);
    this.#oracle.applied(object, document, this.#timeline.now);
  }

  #delete(name: string): void {
    this.#world.deletePolicy(name);
    this.#documents.delete(name);
    this.#oracle.deleted(name);
  }

  #changeNode(name: string, change: NodeChange): void {
    const known = this.#world.nodes.entries.get(name)?.value;
    if (change === 'Removed') this.#world.dropNode(name);
    else if (change === 'Added' && known === undefined) this.#world.putNode(newNode(name));
    else if (known !== undefined) this.#world.putNode({ ...known, ...changeOf(change, this.#world.timestamp) });
  }

  async #wait(seconds: number): Promise<void> {
    const end = this.#timeline.now + seconds * 1000;
    while (this.#timeline.now < end && this.violations.length === 0) {
      const probe = this.#oracle.nextStart(this.#timeline.now) + 1_000;
      await this.#timeline.advance(Math.min(end, Math.max(probe, this.#timeline.now + 1)), () => this.#settle());
      this.#checkCalm();
    }
  }

  /** Lets every process do what it can do at this instant. */
  async #settle(): Promise<void> {
    if (!this.#replicas.some(({ isPassing }) => isPassing)) return;
    await new Promise((resolve) => setImmediate(resolve));
    this.#checkCalm();
  }

  #checkCalm(): void {
    const calm = this.#replicas.find(({ isCalm }) => isCalm);
    if (calm === undefined) return;
    this.#oracle.observed(this.#timeline.now);
    this.#calmChecks.check((policy) => calm.runsOf(policy));
  }
}

function newNode(name: string): Node {
  return buildNode(name, { labels: { pool: 'ci' } });
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
    case 'Labelled':
      return { labels: { pool: 'ci' } };
    case 'Unlabelled':
      return { labels: {} };
    case 'Pressed':
      return { diskPressure: true };
    case 'Relieved':
      return { diskPressure: false };
    case 'Added':
    case 'Removed':
      return {};
    default:
      return change satisfies never;
  }
}
