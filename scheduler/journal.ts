import type { Versioned } from './objects.ts';
import type { RolloutStep } from './run/rollout.ts';
import { isFinished, type Run } from './run/run.ts';

/** A record in progress is written at most this often. */
export const writeIntervalMs = 2_000;
/** Where it only tells how far the run is, less often, and ever less: many writes would cost more than the run itself. */
const minProgressPauseMs = 15_000;

interface Entry {
  stored: Versioned<Run>;
  /** Whether this process has written the record as it is: then nobody else has decided anything since. */
  isOwn: boolean;
  written: string;
  writtenAt: number;
  hasJob: boolean;
  /** How many steps in a row could not create all their pods. */
  refusals: number;
  heldUntil: Date | undefined;
}

/** A write of a record that is to come. */
export interface PendingWrite {
  /** Whether nothing may be started or stopped before it. */
  readonly isFirst: boolean;
  /** Undefined where the record tells everything. */
  readonly at: Date | undefined;
}

/** The runs as this process knows them: ahead of their records, since progress is not written at every step. */
export class RunJournal {
  readonly #entries = new Map<string, Entry>();
  #byPolicy: Map<string, Entry[]> | undefined;

  /** Takes over the records: one that somebody else has changed replaces what is known here. */
  observe(runs: readonly Versioned<Run>[]): void {
    this.#byPolicy = undefined;
    const names = new Set(runs.map(({ value }) => value.name));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
    for (const stored of runs) {
      const entry = this.#entries.get(stored.value.name);
      if (entry?.stored.resourceVersion === stored.resourceVersion) continue;
      this.#entries.set(stored.value.name, {
        stored,
        isOwn: false,
        written: fingerprint(stored.value),
        writtenAt: 0,
        hasJob: entry?.hasJob ?? false,
        refusals: entry?.refusals ?? 0,
        heldUntil: entry?.heldUntil,
      });
    }
  }

  runsOf(policy: string): Versioned<Run>[] {
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
   * When the record is to be written, if there is anything to write, and whether the step has to wait for that. What others
   * must know before it is done comes first: the end of the run, what pods are deleted for, nodes to start that are not on
   * record. So does the first step on a record that somebody else has written: that shows whether it is still the newest.
   */
  writeFor({ run, reserve, start, stop }: RolloutStep, now: Date): PendingWrite {
    const entry = this.#entries.get(run.name);
    if (entry === undefined) return { isFirst: false, at: undefined };
    const { stored, isOwn, written, writtenAt } = entry;
    const isOnRecord = () => isOwn && fingerprint(run) === written;
    if (run.phase !== stored.value.phase || isFinished(run)) return { isFirst: true, at: now };
    if (stop.length > 0 && !isOnRecord()) return { isFirst: true, at: now };
    if (reserve.length > 0 || (start.length > 0 && !isOwn))
      return { isFirst: true, at: new Date(writtenAt + writeIntervalMs) };
    const at = new Date(writtenAt + progressPauseMs(run, writtenAt));
    return { isFirst: false, at: at <= now && fingerprint(run) === written ? undefined : at };
  }

  /** Remembers that the record was written as `run`, and its new version. */
  written(run: Run, resourceVersion: string, now: Date): void {
    const entry = this.#entries.get(run.name);
    if (entry === undefined) return;
    entry.stored = { value: run, resourceVersion };
    entry.isOwn = true;
    entry.written = fingerprint(run);
    entry.writtenAt = now.getTime();
  }

  /**
   * Notes how a step with new pods went, and returns when to try again those that were refused: the pause doubles with each
   * step in a row that could not create all of its own.
   */
  noteStep(run: string, { started, refused }: { started: number; refused: number }, now: Date): Date {
    const entry = this.#entries.get(run);
    const refusals = refused > 0 ? (entry?.refusals ?? 0) + 1 : 0;
    const retryAt = new Date(now.getTime() + Math.min(2_000 * 2 ** Math.max(0, refusals - 1), 60_000));
    if (entry !== undefined) {
      entry.refusals = refusals;
      entry.heldUntil = refused > 0 && started === 0 ? retryAt : undefined;
    }
    return retryAt;
  }

  /** Until when nothing is created for a run, since all pods of its last step were refused. */
  heldUntil(run: string): Date | undefined {
    return this.#entries.get(run)?.heldUntil;
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

/** Each is as long as the run was old when the record was last written: a long run is not much less up to date than a short one. */
function progressPauseMs({ startedAt }: Run, writtenAt: number): number {
  return Math.max(writtenAt - startedAt.getTime(), minProgressPauseMs);
}

/** What of a run can change, as text. */
function fingerprint({ document: _, spec: __, nodes, ...run }: Run): string {
  return JSON.stringify([run, [...nodes]]);
}
