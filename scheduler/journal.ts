import type { Stored } from './objects.ts';
import { isFinished, type Run } from './run.ts';

/** A record in progress is written at most this often. */
export const writeIntervalMs = 2_000;
/** Where it only tells how far the run is, less often, and ever less: many writes would cost more than the run itself. */
const minProgressPauseMs = 10_000;
const maxProgressPauseMs = 60_000;

interface Entry {
  stored: Stored<Run>;
  written: string;
  writtenAt: number;
  hasJob: boolean;
  /** How many steps in a row could not create all their pods. */
  refusals: number;
}

/** The runs as this process knows them: ahead of their records, since progress is not written at every step. */
export class RunJournal {
  readonly #entries = new Map<string, Entry>();
  #byPolicy: Map<string, Entry[]> | undefined;

  /** Takes over the records: one that somebody else has changed replaces what is known here. */
  observe(runs: readonly Stored<Run>[]): void {
    this.#byPolicy = undefined;
    const names = new Set(runs.map(({ value }) => value.name));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
    for (const stored of runs) {
      const entry = this.#entries.get(stored.value.name);
      if (entry?.stored.resourceVersion === stored.resourceVersion) continue;
      this.#entries.set(stored.value.name, {
        stored,
        written: fingerprint(stored.value),
        writtenAt: 0,
        hasJob: entry?.hasJob ?? false,
        refusals: entry?.refusals ?? 0,
      });
    }
  }

  runsOf(policy: string): Stored<Run>[] {
    this.#byPolicy ??= Map.groupBy(this.#entries.values(), ({ stored }) => stored.value.policy);
    return (this.#byPolicy.get(policy) ?? []).map(({ stored }) => stored);
  }

  /** The same without the versions of their records. */
  knownRuns(policy: string): Run[] {
    return this.runsOf(policy).map(({ value }) => value);
  }

  /** Remembers how far the run is, without a word on whether that is written. */
  advance(run: Run): void {
    const entry = this.#entries.get(run.name);
    if (entry !== undefined) entry.stored = { ...entry.stored, value: run };
  }

  /**
   * Whether the record is to be written: at once when the phase has changed, else after the interval. Where pods start it
   * is, even if nothing is new: that shows whether it is still the newest.
   */
  needsWrite(run: Run, startsPods: boolean, now: Date): 'Now' | 'Later' | 'No' {
    const entry = this.#entries.get(run.name);
    if (entry === undefined) return 'No';
    if (run.phase !== entry.stored.value.phase || isFinished(run)) return 'Now';
    const pauseMs = startsPods ? writeIntervalMs : progressPauseMs(run, now);
    if (now.getTime() - entry.writtenAt < pauseMs) return 'Later';
    return !startsPods && fingerprint(run) === entry.written ? 'No' : 'Now';
  }

  /** Remembers that the record was written as `run`, and its new version. */
  written(run: Run, resourceVersion: string, now: Date): void {
    const entry = this.#entries.get(run.name);
    if (entry === undefined) return;
    entry.stored = { value: run, resourceVersion };
    entry.written = fingerprint(run);
    entry.writtenAt = now.getTime();
  }

  /** When to try again to create pods: the pause doubles with each step in a row that could not create all of its own. */
  retryAfter(run: string, wasRefused: boolean, now: Date): Date {
    const entry = this.#entries.get(run);
    const refusals = wasRefused ? (entry?.refusals ?? 0) + 1 : 0;
    if (entry !== undefined) entry.refusals = refusals;
    return new Date(now.getTime() + Math.min(2_000 * 2 ** Math.max(0, refusals - 1), 60_000));
  }

  /** Forgets what is known beyond the record: somebody else has changed it. */
  forget(run: string): void {
    this.#byPolicy = undefined;
    this.#entries.delete(run);
  }

  /** Whether this process has made sure that the run's job exists. */
  hasJob(run: string): boolean {
    return this.#entries.get(run)?.hasJob ?? false;
  }

  setJob(run: string): void {
    const entry = this.#entries.get(run);
    if (entry !== undefined) entry.hasJob = true;
  }
}

function progressPauseMs({ startedAt }: Run, now: Date): number {
  const ageMs = now.getTime() - startedAt.getTime();
  return Math.min(Math.max(ageMs / 2, minProgressPauseMs), maxProgressPauseMs);
}

/** What of a run can change, as text. */
function fingerprint({ document: _, spec: __, nodes, ...run }: Run): string {
  return JSON.stringify([run, [...nodes]]);
}
