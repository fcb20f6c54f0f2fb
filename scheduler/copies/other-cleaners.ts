import type { RunPod } from '../objects.ts';
import { hasEnded } from '../pods/state.ts';

/** A pod as its name and creation time identify it: a newer pod may have the name of an earlier one. */
type CreatedPod = Pick<RunPod, 'name' | 'createdAt'>;

/** A pod that this process has created. It removes nothing after `endsAt`. */
interface OwnPod {
  readonly createdAt: number;
  readonly endsAt: number;
}

/** A cleaner of which nobody knows here what it removes. */
interface OtherPod {
  readonly node: string;
  readonly isActive: boolean;
}

/** The containers of a pod that was deleted by force may run for the rest of its grace period. */
const graceMs = 120_000;

/**
 * The cleaners that this process has not created, or not for answers about copies: those of other policies, of another process,
 * and those that hang. It knows until when they may have removed images on their nodes.
 */
export class OtherCleaners {
  readonly #own = new Map<string, OwnPod>();
  /** The names of the pods whose creation is under way. */
  readonly #creating = new Set<string>();
  #others: ReadonlyMap<string, OtherPod> = new Map();
  /** By node: the last time at which a cleaner that has ended may have removed images, in milliseconds since the epoch. */
  readonly #disturbedAt = new Map<string, number>();
  /** It grows when everything is forgotten. */
  #epoch = 0;

  /** Forgets everything: another process may have worked in the meantime. */
  reset(): void {
    this.#own.clear();
    this.#disturbedAt.clear();
    this.#others = new Map();
    this.#epoch += 1;
  }

  /**
   * Creates a pod that removes only what this process has allowed, and nothing after `endsAt`. `create` returns the time of its
   * creation, or undefined if the pod was there: then somebody else has created it.
   */
  async create(pod: string, endsAt: Date | undefined, create: () => Promise<Date | undefined>): Promise<void> {
    const epoch = this.#epoch;
    this.#creating.add(pod);
    try {
      const createdAt = await create();
      if (createdAt === undefined || epoch !== this.#epoch) return;
      this.#own.set(pod, { createdAt: createdAt.getTime(), endsAt: endsAt?.getTime() ?? Number.POSITIVE_INFINITY });
    } finally {
      this.#creating.delete(pod);
    }
  }

  /** True for a pod that this process has created for answers about copies. */
  isOwn({ name, createdAt }: CreatedPod): boolean {
    return this.#own.get(name)?.createdAt === createdAt.getTime();
  }

  /** Looks at all pods that there are. */
  observe(pods: readonly RunPod[], now: Date): void {
    const others = pods.filter((pod) => pod.kind === 'cleaner' && !this.#isKnown(pod, now));
    const before = this.#others;
    this.#others = new Map(others.map((pod) => [pod.name, { node: pod.node, isActive: !hasEnded(pod) }]));
    for (const [name, { node, isActive }] of this.#others)
      if (!isActive && before.get(name)?.isActive !== false) this.#note(node, now.getTime());
    for (const [name, { node, isActive }] of before)
      if (isActive && !this.#others.has(name)) this.#note(node, now.getTime() + graceMs);
    const names = new Set(pods.map(({ name }) => name));
    for (const name of this.#own.keys()) if (!names.has(name)) this.#own.delete(name);
  }

  /** The last time at which another cleaner may have removed images on each node where there was one; infinite while it runs. */
  disturbances(): ReadonlyMap<string, number> {
    const active = [...this.#others.values()].filter(({ isActive }) => isActive);
    return new Map([...this.#disturbedAt, ...active.map(({ node }) => [node, Number.POSITIVE_INFINITY] as const)]);
  }

  /** Forgets what happened before a time. */
  forgetBefore(time: number): void {
    for (const [node, at] of this.#disturbedAt) if (at < time) this.#disturbedAt.delete(node);
  }

  #isKnown(pod: RunPod, now: Date): boolean {
    if (this.#creating.has(pod.name)) return true;
    const endsAt = this.#own.get(pod.name)?.endsAt ?? Number.NEGATIVE_INFINITY;
    return this.isOwn(pod) && (hasEnded(pod) || now.getTime() <= endsAt);
  }

  #note(node: string, at: number): void {
    this.#disturbedAt.set(node, Math.max(at, this.#disturbedAt.get(node) ?? 0));
  }
}
