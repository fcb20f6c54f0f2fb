import { RunJournal } from './journal.ts';

/** A journal for each policy, so that the work on one policy can't change the facts about the runs of another. */
export class Journals {
  readonly #journals = new Map<string, RunJournal>();

  of(policy: string): RunJournal {
    const journal = this.#journals.get(policy) ?? new RunJournal();
    this.#journals.set(policy, journal);
    return journal;
  }

  forget(policy: string): void {
    this.#journals.delete(policy);
  }
}
