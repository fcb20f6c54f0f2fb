import { doublingPauseMs } from './doubling-pause.ts';

const pauses = { firstMs: 2_000, maxMs: 60_000 };

interface Refusals {
  /** The number of consecutive steps that could not create all their pods. */
  readonly count: number;
  readonly heldUntil: Date | undefined;
}

/** Increases the pauses between attempts to create pods that the API server refuses. */
export class CreationBackoff {
  readonly #refusals = new Map<string, Refusals>();

  /**
   * Stores the result of a step with new pods, and returns when to try the refused ones again. The pause doubles with each
   * consecutive step that could not create all its pods.
   */
  noteStep(run: string, { started, refused }: { started: number; refused: number }, now: Date): Date {
    const count = refused > 0 ? (this.#refusals.get(run)?.count ?? 0) + 1 : 0;
    const retryAt = new Date(now.getTime() + doublingPauseMs(count, pauses));
    this.#refusals.set(run, { count, heldUntil: refused > 0 && started === 0 ? retryAt : undefined });
    return retryAt;
  }

  /** The instant before which no pod of a run is created, because all pods of its last step were refused. */
  heldUntil(run: string): Date | undefined {
    return this.#refusals.get(run)?.heldUntil;
  }

  retain(runs: ReadonlySet<string>): void {
    for (const run of this.#refusals.keys()) if (!runs.has(run)) this.#refusals.delete(run);
  }
}
