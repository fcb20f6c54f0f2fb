import type { Versioned } from '../objects.ts';
import type { Run } from '../run/run.ts';

interface Entry {
  /** The run in its record. */
  readonly recorded: Versioned<Run>;
  /** The run now. It can be ahead of its record, because progress is not written at every step. */
  readonly known: Run;
}

/** The runs that this process knows, ahead of their records. */
export class RunCache {
  readonly #entries = new Map<string, Entry>();
  #byPolicy: Map<string, Entry[]> | undefined;

  /**
   * Takes over all records. A record that another process changed replaces the run here. Returns the records that have
   * changed.
   */
  observe(runs: readonly Versioned<Run>[]): readonly Versioned<Run>[] {
    const names = new Set(runs.map(({ value }) => value.name));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.forget(name);
    const changed = runs.filter(
      ({ value, resourceVersion }) => this.#entries.get(value.name)?.recorded.resourceVersion !== resourceVersion,
    );
    for (const stored of changed) this.store(stored);
    return changed;
  }

  /** The runs of a policy now, with the versions of their records. */
  versionsOf(policy: string): Versioned<Run>[] {
    this.#byPolicy ??= Map.groupBy(this.#entries.values(), ({ known }) => known.policy);
    const entries = this.#byPolicy.get(policy) ?? [];
    return entries.map(({ known, recorded }) => ({ value: known, resourceVersion: recorded.resourceVersion }));
  }

  /** The runs of a policy now, without the versions. */
  of(policy: string): Run[] {
    return this.versionsOf(policy).map(({ value }) => value);
  }

  /** The record of a run when it was last read or written. */
  recordOf(run: string): Versioned<Run> | undefined {
    return this.#entries.get(run)?.recorded;
  }

  /** Takes over one record that was just read or written. */
  store(recorded: Versioned<Run>): void {
    this.#put({ recorded, known: recorded.value });
  }

  /** Stores the progress of a run without a change of its record. */
  advance(run: Run): void {
    const entry = this.#entries.get(run.name);
    if (entry !== undefined) this.#put({ ...entry, known: run });
  }

  /** Removes a run whose record another process has changed. */
  forget(run: string): void {
    this.#byPolicy = undefined;
    this.#entries.delete(run);
  }

  #put(entry: Entry): void {
    this.#byPolicy = undefined;
    this.#entries.set(entry.known.name, entry);
  }
}
