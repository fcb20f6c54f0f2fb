import type { Log } from '../log.ts';

/** Work that may take long and that no decision waits for: it is done beside the passes, each piece once at a time. */
export class BackgroundTasks {
  readonly #log: Log;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Begins to do `what`, unless that is under way. What fails is logged, and for a later pass to begin again. */
  begin(what: string, work: () => Promise<void>): void {
    if (this.#underWay.has(what)) return;
    const done = work()
      .catch((error: unknown) =>
        this.#log.warn({ err: error }, `could not ${what} yet, trying again: ${String(error)}`),
      )
      .finally(() => this.#underWay.delete(what));
    this.#underWay.set(what, done);
  }

  /** Resolves when nothing is under way. */
  async finish(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }
}
