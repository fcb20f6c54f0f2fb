const firstPauseMs = 2_000;
const maxPauseMs = 60_000;

interface Refusals {
  /** The number of steps in a row that could not create all their pods. */
  readonly count: number;
  readonly heldUntil: Date | undefined;
}

/** Asks for pods that the API server refuses less and less often. */
export class CreationBackoff {
  readonly #refusals = new Map<string, Refusals>();

  /**
   * Notes how a step with new pods went, and returns when to try again those that were refused: the pause doubles with each
   * step in a row that could not create all of its own.
   */
  noteStep(run: string, { started, refused }: { started: number; refused: number }, now: Date): Date {
    const count = refused > 0 ? (this.#refusals.get(run)?.count ?? 0) + 1 : 0;
    const retryAt = new Date(now.getTime() + Math.min(firstPauseMs * 2 ** Math.max(0, count - 1), maxPauseMs));
    this.#refusals.set(run, { count, heldUntil: refused > 0 && started === 0 ? retryAt : undefined });
    return retryAt;
  }

  /** Until when nothing is created for a run, since all pods of its last step were refused. */
  heldUntil(run: string): Date | undefined {
    return this.#refusals.get(run)?.heldUntil;
  }

  retain(runs: ReadonlySet<string>): void {
    for (const run of this.#refusals.keys()) if (!runs.has(run)) this.#refusals.delete(run);
  }
}
