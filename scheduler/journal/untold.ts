import { isFinished, type Run } from '../run/run.ts';

/** Far more writes are never without an answer at once. */
const maxExpected = 1_000;

/**
 * The changes of runs that are to be told when they are on record. The answer to a write may be lost: what it wrote is then
 * told as soon as the record shows it, by the process that wrote it and nobody else.
 */
export class UntoldChanges {
  readonly #keys = new Set<string>();

  /** Called before a run is written. */
  expect(run: Run): void {
    this.#keys.add(keyOf(run));
    const [oldest] = this.#keys;
    if (this.#keys.size > maxExpected && oldest !== undefined) this.#keys.delete(oldest);
  }

  /** True if what is on record now is still to be told by this process; then it is told. */
  take(run: Run): boolean {
    return this.#keys.delete(keyOf(run));
  }
}

/** An instant in milliseconds tells apart who has started or ended a run. */
function keyOf(run: Run): string {
  if (isFinished(run)) return `${run.name} ${run.phase} ${run.finishedAt?.getTime()}`;
  if (run.phase === 'Paused') return `${run.name} ${run.phase} ${run.message}`;
  return `${run.name} ${run.phase} ${run.startedAt.getTime()}`;
}
