import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Does one piece of work after the other, and rests after each for as long as it took. So pages take at most half of the time of
 * the process, however many people look at them, and the work of the scheduler goes on between them.
 */
export class PageTurns {
  #last: Promise<unknown> = Promise.resolve();

  /** Resolves with the result of `work`, which runs in its turn. Rejects with its error. */
  take<T>(work: () => T): Promise<T> {
    let tookMs = 0;
    const result = this.#last.then(() => {
      const startedAt = performance.now();
      try {
        return work();
      } finally {
        tookMs = performance.now() - startedAt;
      }
    });
    this.#last = result.catch(() => {}).then(() => sleep(tookMs, undefined, { ref: false }));
    return result;
  }
}
