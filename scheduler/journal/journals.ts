import { RunJournal } from './journal.ts';

/** A journal for each policy: nothing that is remembered of one policy's runs can be changed by the work on another. */
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
