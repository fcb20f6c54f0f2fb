import { RunJournal } from './journal.ts';
import { StartupTaints } from './startup-taints.ts';

/** A larger step back of the clock than the clocks of the API servers of a cluster differ. */
const maxStepBackMs = 5_000;

/** A journal for each policy, so that the work on one policy can't change the facts about the runs of another. */
export class Journals {
  /** The removals of the startup taint from nodes, which wait for the policies together. */
  readonly startup = new StartupTaints();
  readonly #journals = new Map<string, RunJournal>();
  /** The times of the last passes. */
  readonly #passes = new Map<string, Date>();

  of(policy: string): RunJournal {
    const journal = this.#journals.get(policy) ?? new RunJournal();
    this.#journals.set(policy, journal);
    return journal;
  }

  /**
   * The journal for a pass at `now`. It is empty if the clock has stepped back since the last pass: the pauses in the old one
   * would take longer by the step.
   */
  forPass(policy: string, now: Date): RunJournal {
    const last = this.#passes.get(policy);
    if (last !== undefined && last.getTime() - now.getTime() > maxStepBackMs) this.forget(policy);
    this.#passes.set(policy, now);
    return this.of(policy);
  }

  forget(policy: string): void {
    this.#journals.delete(policy);
    this.#passes.delete(policy);
  }
}
