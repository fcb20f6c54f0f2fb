import type { Log } from '../log.ts';

/** Tasks that may take long, and for which no decision waits. They run beside the passes, each only once at a time. */
export class BackgroundTasks {
  readonly #log: Log;
  readonly #underWay = new Map<string, Promise<void>>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** Starts the task `what`, unless it is in progress. A failure is logged, and a later pass starts the task again. */
  begin(what: string, work: () => Promise<void>): void {
    if (this.#underWay.has(what)) return;
    const done = work()
      .catch((error: unknown) =>
        this.#log.warn({ err: error }, `could not ${what} yet, trying again: ${String(error)}`),
      )
      .finally(() => this.#underWay.delete(what));
    this.#underWay.set(what, done);
  }

  /** Resolves when no task is in progress. */
  async finish(): Promise<void> {
    await Promise.all(this.#underWay.values());
  }
}
