import { Copies, lastRemovalAt } from '../../../scheduler/copies/copies.ts';
import type { Node, RunPod } from '../../../scheduler/objects.ts';
import { buildNode } from '../../helpers/builders.ts';

export const nodeNames = ['n1', 'n2', 'n3'] as const;
export const ids = ['a', 'b'] as const;
export type NodeName = (typeof nodeNames)[number];
export type Id = (typeof ids)[number];

const deadlineSeconds = 300;
/** The difference of the clock of a node. */
const skewMs = 20_000;

/** A cleaner, with what it may remove. */
interface Cleaner {
  pod: RunPod;
  /** The images that it has listed, if it only lists. */
  listed?: { readonly ids: ReadonlySet<string>; readonly usedShare: number };
  /** The answer to its list: the images that it must spare, and the end of the time in which it may begin. */
  answer?: { readonly spared: ReadonlySet<string>; readonly validUntil: number };
  begunAt?: number;
  /** True for the cleaner of a policy that does not care for copies. */
  isCareless?: true;
}

/** A pod whose creation is under way. */
interface Creation {
  readonly at: number;
  readonly cleaner: Cleaner;
  readonly arrive: () => void;
}

/** Nodes with images, and cleaners that lose them by the answers of {@link Copies}. Whole seconds, as on an API server. */
export class World {
  readonly disks: ReadonlyMap<string, Set<string>>;
  nodes: Node[] = nodeNames.map((name) => buildNode(name));
  copies = new Copies(() => true);
  removed = 0;
  /** Called with each answer, before anything else happens. */
  onAnswer: (node: string, spared: readonly string[]) => void = () => {};
  #now = 1_000_000_000;
  #count = 0;
  #cleaners: Cleaner[] = [];
  #creations: Creation[] = [];

  constructor(start: readonly ReadonlySet<string>[]) {
    this.disks = new Map(nodeNames.map((name, index) => [name, new Set(start[index])]));
    this.copies.reset(new Date(0));
  }

  get now(): Date {
    return new Date(this.#now);
  }

  /** The number of nodes that have an image. */
  count(id: string): number {
    return [...this.disks.values()].filter((disk) => disk.has(id)).length;
  }

  /** True if the node has the image, and no cleaner that is there, or is about to be there, may remove it. */
  isSafeOn(node: string, id: string): boolean {
    const isRisk = (cleaner: Cleaner) =>
      cleaner.pod.node === node && cleaner.pod.phase === 'Running' && this.#mayRemove(cleaner, id);
    return (
      this.disks.get(node)?.has(id) === true &&
      ![...this.#cleaners, ...this.#creations.map(({ cleaner }) => cleaner)].some(isRisk)
    );
  }

  /** The cleaner on a node lists its images. The scheduler reads the list. */
  async list(node: string, usedShare: number): Promise<void> {
    const cleaner = await this.#create({ pod: this.#build(node) }, undefined, 0);
    cleaner.listed = { ids: new Set(this.disks.get(node)), usedShare };
    this.#end(cleaner);
    this.#read(cleaner);
  }

  /** The scheduler decides what the node may lose. The cleaner that gets the answer is created some seconds later. */
  async decide(node: string, delaySeconds: number): Promise<void> {
    const { spared, validUntil } = this.copies.allow({
      node,
      pullable: [],
      unpullable: [...ids],
      nodes: this.nodes,
      pods: this.#pods(),
      isToServe: () => true,
      activeDeadlineSeconds: deadlineSeconds,
      now: this.now,
    });
    this.onAnswer(node, spared);
    const answer = { spared: new Set(spared), validUntil: validUntil.getTime() };
    await this.#create({ pod: this.#build(node), answer }, lastRemovalAt(validUntil, deadlineSeconds), delaySeconds);
  }

  /** A policy that does not care for copies gets a cleaner on the node. */
  startCareless(node: string): void {
    this.#cleaners.push({ pod: this.#build(node), isCareless: true });
  }

  /** The cleaners on a node remove an image, as far as they may. */
  work(node: string, id: string): void {
    for (const cleaner of this.#cleaners) {
      if (cleaner.pod.node !== node || cleaner.pod.phase !== 'Running') continue;
      this.#begin(cleaner);
      if (this.#mayRemove(cleaner, id) && this.disks.get(node)?.delete(id) && !cleaner.isCareless) this.removed += 1;
    }
  }

  /** The cleaners on a node end. */
  end(node: string): void {
    for (const cleaner of this.#cleaners) if (cleaner.pod.node === node) this.#end(cleaner);
  }

  async wait(seconds: number): Promise<void> {
    this.#now += seconds * 1_000;
    const due = this.#creations.filter(({ at }) => at <= this.#now);
    this.#creations = this.#creations.filter(({ at }) => at > this.#now);
    for (const { arrive } of due) arrive();
    // A cleaner ends by itself at its deadline, after the removal that is under way.
    for (const cleaner of this.#cleaners)
      if (cleaner.begunAt !== undefined && this.#now > cleaner.begunAt + deadlineSeconds * 1_000 + 120_000)
        this.#end(cleaner);
    await Promise.resolve();
  }

  /** Another process leads. It reads the logs of all pods that there are. What is under way for the old one still arrives. */
  restart(): void {
    this.copies = new Copies(() => true);
    this.copies.reset(this.now);
    for (const cleaner of this.#cleaners) this.#read(cleaner);
  }

  /** Pods that have ended are deleted: those that have listed, or the others. */
  tidy(isOfLists: boolean): void {
    this.#cleaners = this.#cleaners.filter(
      ({ pod, listed }) => pod.phase === 'Running' || (listed !== undefined) !== isOfLists,
    );
  }

  /** A machine without images takes the place of a node. */
  replace(node: string): void {
    this.disks.get(node)?.clear();
    this.change(node, { createdAt: this.now, readySince: this.now });
  }

  change(name: string, change: Partial<Node>): void {
    this.nodes = this.nodes.map((node) => (node.name === name ? { ...node, ...change } : node));
  }

  observe(): void {
    this.copies.observe(this.#pods(), this.now);
  }

  async #create(cleaner: Cleaner, endsAt: Date | undefined, delaySeconds: number): Promise<Cleaner> {
    const { promise, resolve } = Promise.withResolvers<Date>();
    const arrive = () => {
      const createdAt = new Date(Math.floor(this.#now / 1_000) * 1_000);
      cleaner.pod = { ...cleaner.pod, createdAt };
      this.#cleaners.push(cleaner);
      resolve(createdAt);
    };
    const created = this.copies.create(cleaner.pod.name, endsAt, () => promise);
    if (delaySeconds > 0) this.#creations.push({ at: this.#now + delaySeconds * 1_000, cleaner, arrive });
    else {
      arrive();
      await created;
    }
    return cleaner;
  }

  #read({ pod, listed }: Cleaner): void {
    if (listed === undefined) return;
    this.copies.noteList(pod, { ids: listed.ids, candidates: listed.ids, usedShare: listed.usedShare });
  }

  #begin(cleaner: Cleaner): void {
    if (cleaner.answer !== undefined && this.#now <= cleaner.answer.validUntil + skewMs) cleaner.begunAt ??= this.#now;
  }

  #mayRemove(cleaner: Cleaner, id: string): boolean {
    if (cleaner.isCareless) return true;
    const mayBegin = cleaner.begunAt !== undefined || this.#now <= (cleaner.answer?.validUntil ?? 0) + skewMs;
    return mayBegin && cleaner.answer?.spared.has(id) === true;
  }

  #end(cleaner: Cleaner): void {
    cleaner.pod = { ...cleaner.pod, phase: 'Succeeded', exitCode: 0 };
  }

  #pods(): RunPod[] {
    return this.#cleaners.map(({ pod }) => pod);
  }

  #build(node: string): RunPod {
    this.#count += 1;
    const name = `pod-${this.#count}`;
    return { kind: 'cleaner', name, run: 'run', node, attempt: 0, createdAt: this.now, phase: 'Running' };
  }
}
