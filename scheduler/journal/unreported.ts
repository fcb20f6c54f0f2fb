import { isFinished, type Run } from '../run/run.ts';

/** A limit well above the number of writes without an answer at one time. */
const maxExpected = 1_000;

/**
 * The changes of runs that are to be reported when the record has them. If the answer to a write is lost, the process that
 * wrote the record reports the change as soon as the record shows it. No other process reports it.
 */
export class UnreportedChanges {
  readonly #keys = new Set<string>();

  /** Stores a change. The caller calls this before it writes the run. */
  expect(run: Run): void {
    this.#keys.add(keyOf(run));
    const [oldest] = this.#keys;
    if (this.#keys.size > maxExpected && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** True if this process must still report the change in the record. Returns true only once. */
  take(run: Run): boolean {
    return this.#keys.delete(keyOf(run));
  }
}

/** The key of a change. The milliseconds of its time distinguish the processes that start or end a run. */
function keyOf(run: Run): string {
  if (isFinished(run)) return `${run.name} ${run.phase} ${run.finishedAt?.getTime()}`;
  if (run.phase === 'Paused') return `${run.name} ${run.phase} ${run.message}`;
  return `${run.name} ${run.phase} ${run.startedAt.getTime()}`;
}
