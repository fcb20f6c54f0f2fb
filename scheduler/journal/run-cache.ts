import type { Versioned } from '../objects.ts';
import type { Run } from '../run/run.ts';

interface Entry {
  /** The run as its record has it. */
  readonly recorded: Versioned<Run>;
  /** The run as it is by now: progress is not written at every step. */
  readonly known: Run;
}

/** The runs as this process knows them, ahead of their records. */
export class RunCache {
  readonly #entries = new Map<string, Entry>();
  #byPolicy: Map<string, Entry[]> | undefined;

  /** Takes over all records: one that somebody else has changed replaces what is known here. */
  observe(runs: readonly Versioned<Run>[]): void {
    const names = new Set(runs.map(({ value }) => value.name));
    for (const name of this.#entries.keys()) if (!names.has(name)) this.forget(name);
    for (const stored of runs) {
      const { recorded } = this.#entries.get(stored.value.name) ?? {};
      if (recorded?.resourceVersion !== stored.resourceVersion) this.store(stored);
    }
  }

  /** The runs of a policy as they are by now, with the versions of their records. */
  versionsOf(policy: string): Versioned<Run>[] {
    this.#byPolicy ??= Map.groupBy(this.#entries.values(), ({ known }) => known.policy);
    const entries = this.#byPolicy.get(policy) ?? [];
    return entries.map(({ known, recorded }) => ({ value: known, resourceVersion: recorded.resourceVersion }));
  }

  /** The same without the versions. */
  of(policy: string): Run[] {
    return this.versionsOf(policy).map(({ value }) => value);
  }

  /** The record of a run as it was last read or written. */
  recordOf(run: string): Versioned<Run> | undefined {
    return this.#entries.get(run)?.recorded;
  }

  /** Takes over one record that was just read or written. */
  store(recorded: Versioned<Run>): void {
    this.#put({ recorded, known: recorded.value });
  }

  /** Remembers how far a run is, while its record stays as it is. */
  advance(run: Run): void {
    const entry = this.#entries.get(run.name);
    if (entry !== undefined) this.#put({ ...entry, known: run });
  }

  /** Forgets a run whose record somebody else has changed. */
  forget(run: string): void {
    this.#byPolicy = undefined;
    this.#entries.delete(run);
  }

  #put(entry: Entry): void {
    this.#byPolicy = undefined;
    this.#entries.set(entry.known.name, entry);
  }
}
