import { inFlow } from './flow.ts';

/** Changes within this time are handled together. */
const debounceMs = 50;
/** A look at all keys is expensive. While changes keep coming, the looks use only this part of the CPU. */
const restFactor = 4;
const maxRestMs = 1_000;
/** The longest time between two looks at a key, also without a change. */
const idleMs = 60_000;

/** The time and the timers of a dispatcher. */
export interface Timing {
  /** A clock that never steps, in milliseconds. */
  now(): number;
  /** The CPU time that the process has used, in milliseconds. */
  cpuMs(): number;
  /** Calls back after some milliseconds; with 0, on the next turn of the event loop. Returns a function that cancels it. */
  after(delayMs: number, action: () => void): () => void;
}

/** The number of milliseconds until the next look at the key, at the latest; or the news that the key is gone. */
export type Next = number | undefined | 'Gone';

/** Lists the keys, and does the work on one of them. The work must not reject. */
export interface Work {
  readonly keys: () => Iterable<string>;
  readonly workOn: (key: string) => Promise<Next>;
}

interface Entry {
  isBusy: boolean;
  /** True if something has changed since the work on the key began. */
  isChanged: boolean;
  callOff: () => void;
}

/**
 * Works on keys as a Kubernetes controller does. It works on each key after every change, and at the time that the last
 * work on it returned; never twice at once on the same key. Different keys are worked on concurrently, so that none waits
 * for another. The event loop turns between two keys, so that probes are answered. Keys that are due come before changed
 * ones.
 */
export class Dispatcher {
  readonly #work: Work;
  readonly #timing: Timing;
  readonly #entries = new Map<string, Entry>();
  readonly #due = new Set<string>();
  readonly #changed = new Set<string>();
  readonly #underWay = new Set<Promise<void>>();
  #isTurning = false;
  #isAskedToLook = false;
  /** True until all keys of a look are done. */
  #isLooking = false;
  #callOffLook: (() => void) | undefined;
  #cpuBeforeMs = 0;
  #restUntil = Number.NEGATIVE_INFINITY;
  #isStopped = false;

  constructor(work: Work, timing: Timing = processTiming) {
    this.#work = work;
    this.#timing = timing;
  }

  /** Requests a look at every key after a change. */
  trigger(): void {
    this.#isAskedToLook = true;
    this.#planLook();
  }

  /** Starts no further work, and resolves when the work in progress is done. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#callOffLook?.();
    for (const { callOff } of this.#entries.values()) callOff();
    this.#due.clear();
    this.#changed.clear();
    await Promise.all(this.#underWay);
  }

  /** Starts a look only after all keys of the last one are done, and after a pause. */
  #planLook(): void {
    if (this.#isStopped || !this.#isAskedToLook || this.#isLooking || this.#callOffLook !== undefined) return;
    const restMs = this.#restUntil - this.#timing.now();
    this.#callOffLook = this.#timing.after(Math.max(debounceMs, restMs), () => this.#look());
  }

  #look(): void {
    this.#isAskedToLook = false;
    this.#callOffLook = undefined;
    this.#isLooking = true;
    this.#cpuBeforeMs = this.#timing.cpuMs();
    for (const key of new Set([...this.#work.keys(), ...this.#entries.keys()])) this.#add(key, this.#changed);
    this.#beginTurns();
  }

  #add(key: string, queue: Set<string>): void {
    if (this.#isStopped) return;
    const entry = this.#entries.get(key) ?? { isBusy: false, isChanged: false, callOff: () => {} };
    this.#entries.set(key, entry);
    if (entry.isBusy) entry.isChanged = true;
    else queue.add(key);
    this.#beginTurns();
  }

  #beginTurns(): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    this.#timing.after(0, () => this.#turn());
  }

  /** Starts the work on one key. */
  #turn(): void {
    if (this.#isLooking && this.#changed.size === 0) this.#rest();
    const [key = this.#changed.values().next().value] = this.#due;
    this.#isTurning = key !== undefined && !this.#isStopped;
    if (key === undefined || this.#isStopped) return;
    this.#due.delete(key);
    this.#changed.delete(key);
    this.#begin(key);
    this.#timing.after(0, () => this.#turn());
  }

  /** Ends a look. */
  #rest(): void {
    this.#isLooking = false;
    const usedMs = this.#timing.cpuMs() - this.#cpuBeforeMs;
    this.#restUntil = this.#timing.now() + Math.min(usedMs * restFactor, maxRestMs);
    this.#planLook();
  }

  #begin(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.callOff();
    entry.isBusy = true;
    entry.isChanged = false;
    const done: Promise<void> = inFlow(key, () => this.#work.workOn(key)).then((next) => {
      this.#underWay.delete(done);
      entry.isBusy = false;
      this.#planNext(key, entry, next);
    });
    this.#underWay.add(done);
  }

  #planNext(key: string, entry: Entry, next: Next): void {
    if (this.#isStopped) return;
    if (entry.isChanged) this.#add(key, this.#changed);
    else if (next === 'Gone') this.#entries.delete(key);
    else entry.callOff = this.#timing.after(appointment(next), () => this.#add(key, this.#due));
  }
}

/** The wait before the next look at a key, between the pause after a change and the idle time. */
function appointment(nextMs: number | undefined): number {
  const wanted = nextMs === undefined || Number.isNaN(nextMs) ? Number.POSITIVE_INFINITY : nextMs;
  return Math.min(Math.max(wanted, debounceMs), idleMs);
}

const processTiming: Timing = {
  now: () => performance.now(),
  cpuMs: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1_000;
  },
  after: (delayMs, action) => {
    if (delayMs > 0) {
      const timer = setTimeout(action, delayMs);
      return () => clearTimeout(timer);
    }
    const immediate = setImmediate(action);
    return () => clearImmediate(immediate);
  },
};
