import type { RunPod } from '../../scheduler/objects.ts';
import { buildReport } from '../helpers/builders.ts';
import type { World } from './model-world.ts';

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
const succeeded = { phase: 'Succeeded', exitCode: 0, containerMessage: reportOf('Succeeded') } as const;

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
export class Kubelets {
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

  admit(pod: RunPod): void {
    const fate = this.#planned.get(pod.node)?.shift() ?? 'Succeeds';
    this.#fates.set(pod.name, fate);
    if (!this.#world.nodes.entries.has(pod.node)) this.orphan(pod.node);
    const [seconds, end] = endings[fate] ?? [1, waiting[fate] ?? { phase: 'Running' as const }];
    if (seconds > 3) this.#later(pod, 1_000, () => this.#change(pod, { phase: 'Running' }));
    this.#later(pod, seconds * 1000, () => this.#change(pod, end));
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

  /** A cleaner that is slow finishes what it has begun, and reports; others are killed. */
  #terminate(pod: RunPod): void {
    const killed = { phase: 'Failed', exitCode: 143, containerReason: 'Error' } as const;
    const end = this.#fates.get(pod.name) === 'Slow' ? succeeded : killed;
    this.#later(pod, graceMs / 2, () => this.#change(pod, end));
    this.#later(pod, graceMs, () => this.#world.dropPod(pod.name));
  }

  /** Does something with a pod that is still there, once its kubelet can. */
  #later({ name, node }: RunPod, delayMs: number, action: () => void): void {
    const uid = this.#world.pods.entries.get(name)?.uid;
    const act = () => {
      if (this.#world.pods.entries.get(name)?.uid !== uid) return;
      const known = this.#world.nodes.entries.get(node)?.value;
      if (known?.ready) action();
      else this.#frozen.set(node, [...(this.#frozen.get(node) ?? []), act]);
    };
    this.#world.timeline.after(delayMs, act);
  }

  #change({ name }: RunPod, change: Partial<RunPod>): void {
    const pod = this.#world.pods.entries.get(name)?.value;
    if (pod === undefined || pod.phase === 'Succeeded' || pod.phase === 'Failed') return;
    this.#world.putPod({ ...pod, ...change });
  }
}
