import type { Node } from '../objects.ts';
import type { Opening } from '../run/startup.ts';
import { doublingPauseMs } from './doubling-pause.ts';

/** The pauses after refusals, and after removals, because something may set the taint again and again. */
const pauses = { firstMs: 5_000, maxMs: 300_000 };
/** The shortest time between two reports about one policy: all nodes of a large cluster may lose the taint by its timeout. */
const reportPauseMs = 60_000;

interface Entry {
  /** Another node of the same name has another time. */
  readonly createdAt: number | undefined;
  /** The numbers of removals and of consecutive failures. */
  readonly removals: number;
  readonly failures: number;
  readonly heldUntil: Date;
  /** The last error; undefined after a success. */
  readonly words?: string | undefined;
  /** The cause of the removal that failed. It may have been done all the same, if its answer was lost. */
  readonly attempted?: Opening | undefined;
}

const newEntry = { removals: 0, failures: 0 };

/** A node that has lost the startup taint by its timeout, with the words for what is missing there. */
export interface TimedOutNode {
  readonly node: string;
  readonly message: string;
}

interface Reports {
  readonly untold: readonly TimedOutNode[];
  readonly heldUntil: Date | undefined;
}

/** The removals of the startup taint that this process has tried. They can be lost at any time without harm. */
export class StartupTaints {
  readonly #entries = new Map<string, Entry>();
  readonly #reports = new Map<string, Reports>();
  #obstacle: string | undefined;

  /** Stores the reason why no taint can be removed now; undefined if there is none. Returns true for another reason than before. */
  noteObstacle(words: string | undefined): boolean {
    const isNew = words !== undefined && words !== this.#obstacle;
    this.#obstacle = words;
    return isNew;
  }

  /** True if the taint of a node is left alone for now, because of what was tried before. */
  isHeld(node: Node, now: Date): boolean {
    return isBetween(this.#entryOf(node)?.heldUntil, now, pauses.maxMs);
  }

  /** Stores that the taint is removed. Returns true if it was removed before, and had come back. */
  noteRemoval(node: Node, now: Date): boolean {
    const { removals } = this.#entryOf(node) ?? newEntry;
    this.#put(node, { removals: removals + 1, failures: 0, heldUntil: pauseAfter(removals + 1, now) });
    return removals > 0;
  }

  /** Stores that a removal failed. Returns true if the node did not have this error before. */
  noteFailure(node: Node, { opening, words }: { opening: Opening; words: string }, now: Date): boolean {
    const { removals, failures, ...before }: Omit<Entry, 'createdAt' | 'heldUntil'> = this.#entryOf(node) ?? newEntry;
    const heldUntil = pauseAfter(failures + 1, now);
    this.#put(node, { removals, failures: failures + 1, heldUntil, words, attempted: opening });
    return before.words !== words;
  }

  /** The cause of a removal that failed; undefined if the last one did not fail. */
  attemptedOn(node: Node): Opening | undefined {
    return this.#entryOf(node)?.attempted;
  }

  /** The current errors. */
  errors(): readonly string[] {
    return [...this.#entries.values()].flatMap(({ words }) => words ?? []);
  }

  /** Stores that a node has lost the taint by its timeout while work of a policy was missing there. */
  noteTimeout(policy: string, node: TimedOutNode): void {
    const { untold = [], heldUntil } = this.#reports.get(policy) ?? {};
    this.#reports.set(policy, { untold: [...untold, node], heldUntil });
  }

  /** Takes the reports that are due, by policy. The others follow later. */
  takeReports(now: Date): readonly { readonly policy: string; readonly nodes: readonly TimedOutNode[] }[] {
    return [...this.#reports].flatMap(([policy, { untold, heldUntil }]) => {
      if (untold.length === 0 || isBetween(heldUntil, now, reportPauseMs)) return [];
      this.#reports.set(policy, { untold: [], heldUntil: new Date(now.getTime() + reportPauseMs) });
      return [{ policy, nodes: untold }];
    });
  }

  /** True if a report follows later, or if a removal may have been done although it failed. */
  isOpen(): boolean {
    return this.errors().length > 0 || [...this.#reports.values()].some(({ untold }) => untold.length > 0);
  }

  /** Forgets the nodes and the policies that are gone. */
  retain(nodes: ReadonlySet<string>, policies: ReadonlySet<string>): void {
    for (const node of this.#entries.keys()) if (!nodes.has(node)) this.#entries.delete(node);
    for (const policy of this.#reports.keys()) if (!policies.has(policy)) this.#reports.delete(policy);
  }

  #put(node: Node, entry: Omit<Entry, 'createdAt'>): void {
    this.#entries.set(node.name, { ...entry, createdAt: node.createdAt?.getTime() });
  }

  #entryOf({ name, createdAt }: Node): Entry | undefined {
    const entry = this.#entries.get(name);
    return entry?.createdAt === createdAt?.getTime() ? entry : undefined;
  }
}

function pauseAfter(count: number, now: Date): Date {
  return new Date(now.getTime() + doublingPauseMs(count, pauses));
}

/** False for an instant that is further away than the longest pause: then the clock has stepped back. */
function isBetween(instant: Date | undefined, now: Date, maxMs: number): boolean {
  if (instant === undefined) return false;
  const restMs = instant.getTime() - now.getTime();
  return restMs > 0 && restMs <= maxMs;
}
