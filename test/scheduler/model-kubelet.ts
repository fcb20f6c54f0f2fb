import type { NodeNeeds } from '../../scheduler/cluster.ts';
import type { Node, RunPod } from '../../scheduler/objects.ts';
import type { Run } from '../../scheduler/run/run.ts';
import { buildReport } from '../helpers/builders.ts';
import type { Hosts, World } from './model-world.ts';

/** The end of a cleaner pod. */
export const fates = [
  'Succeeds',
  'Slow',
  'Fails',
  'Refuses',
  'Crashes',
  'Evicted',
  'Rejected',
  'Creating',
  'CannotPull',
  'Hangs',
  'Stuck',
] as const;
export type Fate = (typeof fates)[number];

const reportOf = (outcome: 'Succeeded' | 'PartiallyFailed' | 'Failed') => JSON.stringify(buildReport({ outcome }));
export const succeeded = { phase: 'Succeeded', exitCode: 0, containerMessage: reportOf('Succeeded') } as const;

/** The end of a pod that ends by itself, and after how many seconds. */
const endings: Partial<Record<Fate, readonly [seconds: number, end: Partial<RunPod>]>> = {
  Succeeds: [2, succeeded],
  Slow: [25, succeeded],
  Fails: [2, { phase: 'Failed', exitCode: 1, containerMessage: reportOf('PartiallyFailed') }],
  Refuses: [2, { phase: 'Failed', exitCode: 2, containerMessage: reportOf('Failed') }],
  Crashes: [3, { phase: 'Failed', exitCode: 137, containerReason: 'OOMKilled' }],
  Evicted: [3, { phase: 'Failed', reason: 'Evicted', message: 'low on memory' }],
  Rejected: [0, { phase: 'Failed', reason: 'OutOfpods', message: 'no room' }],
};
/** Pods whose container never starts. */
const waiting: Partial<Record<Fate, Partial<RunPod>>> = {
  Creating: { containerReason: 'ContainerCreating' },
  CannotPull: { containerReason: 'ImagePullBackOff' },
};
const graceMs = 2_000;
const orphanMs = 20_000;

/** The kubelets of all nodes: each pod meets the fate that was planned for its node, or succeeds. */
export class Kubelets implements Hosts {
  readonly #world: World;
  readonly #planned = new Map<string, Fate[]>();
  readonly #fates = new Map<string, Fate>();
  /** All that the kubelets of nodes that don't answer will do once they do. */
  readonly #frozen = new Map<string, (() => void)[]>();
  #isCooperative = false;

  constructor(world: World) {
    this.#world = world;
  }

  /** The next pod on the node meets this fate. */
  plan(node: string, fate: Fate): void {
    this.#planned.set(node, [...(this.#planned.get(node) ?? []), fate]);
  }

  /** From now on every pod succeeds, and none resists its deletion. */
  cooperate(): void {
    this.#isCooperative = true;
    this.#planned.clear();
    for (const { value: pod } of this.#world.pods.entries.values())
      if (pod.deletionTimestamp !== undefined) this.#terminate(pod);
  }

  build(_run: Run, _node: Node, _attempt: number, _needs: NodeNeeds): Pick<RunPod, 'kind' | 'due' | 'containers'> {
    return { kind: 'cleaner' };
  }

  store(run: Run): Run {
    return run;
  }

  forget(_pod: RunPod): void {}

  admit(pod: RunPod): void {
    const fate = this.#planned.get(pod.node)?.shift() ?? 'Succeeds';
    this.#fates.set(pod.name, fate);
    if (!this.#world.nodes.entries.has(pod.node)) this.orphan(pod.node);
    this.play(pod, fate);
  }

  /** Lets a pod meet its fate. */
  protected play(pod: RunPod, fate: Fate): void {
    const [seconds, end] = endings[fate] ?? [1, waiting[fate] ?? { phase: 'Running' as const }];
    if (seconds > 3) this.later(pod, 1_000, () => this.change(pod, () => ({ phase: 'Running' })));
    this.later(pod, seconds * 1000, () => this.change(pod, () => (end === succeeded ? this.succeed(pod) : end)));
  }

  /** The end of a pod that does its work. */
  protected succeed(_pod: RunPod): Partial<RunPod> {
    return succeeded;
  }

  /** The end of a pod that is deleted: a cleaner that is slow finishes what it has begun, and reports; others are killed. */
  protected endOf(pod: RunPod): Partial<RunPod> {
    const killed = { phase: 'Failed', exitCode: 143, containerReason: 'Error' } as const;
    return this.#fates.get(pod.name) === 'Slow' ? this.succeed(pod) : killed;
  }

  /** Somebody has asked for the pod's deletion. */
  delete(name: string): void {
    const pod = this.#world.pods.entries.get(name)?.value;
    if (pod === undefined || pod.deletionTimestamp !== undefined) return;
    const hasEnded = pod.phase === 'Succeeded' || pod.phase === 'Failed';
    if (hasEnded) this.#world.dropPod(name);
    else this.#world.putPod({ ...pod, deletionTimestamp: this.#world.timestamp });
    if (!hasEnded && (this.#fates.get(name) !== 'Stuck' || this.#isCooperative)) this.#terminate(pod);
  }

  /** The node answers again. */
  thaw(node: string): void {
    const actions = this.#frozen.get(node) ?? [];
    this.#frozen.delete(node);
    for (const action of actions) action();
  }

  /** The node is not in the cluster: its pods go, unless it comes back soon. */
  orphan(node: string): void {
    this.#world.timeline.after(orphanMs, () => {
      if (this.#world.nodes.entries.has(node)) return;
      for (const { value: pod } of [...this.#world.pods.entries.values()])
        if (pod.node === node) this.#world.dropPod(pod.name);
    });
  }

  #terminate(pod: RunPod): void {
    this.later(pod, graceMs / 2, () => this.change(pod, () => this.endOf(pod)));
    this.later(pod, graceMs, () => this.#world.dropPod(pod.name));
  }

  /** Does something with a pod that is still there, once its kubelet can. */
  protected later({ name, node }: RunPod, delayMs: number, action: () => void): void {
    const uid = this.#world.pods.entries.get(name)?.uid;
    const act = () => {
      if (this.#world.pods.entries.get(name)?.uid !== uid) return;
      const known = this.#world.nodes.entries.get(node)?.value;
      if (known?.ready) action();
      else this.#frozen.set(node, [...(this.#frozen.get(node) ?? []), act]);
    };
    this.#world.timeline.after(delayMs, act);
  }

  /** Changes a pod that has not ended. */
  protected change({ name }: RunPod, change: () => Partial<RunPod>): void {
    const pod = this.#world.pods.entries.get(name)?.value;
    if (pod === undefined || pod.phase === 'Succeeded' || pod.phase === 'Failed') return;
    this.#world.putPod({ ...pod, ...change() });
  }
}
