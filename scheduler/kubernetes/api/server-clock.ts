/** The resolution of the header. */
const resolutionMs = 1_000;
/** Maximum difference between the clocks of API servers, and maximum drift between two answers. */
const maxCorrectionMs = 2_000;
/** The number of successive answers that must agree on a larger change, because one server may have a wrong clock. */
const minAgreeing = 3;

/**
 * The time of the API server, which is also the time in its objects. It follows the monotonic clock, so that a clock
 * change of this machine has no effect, and is corrected by the `Date` of the answers.
 */
export class ServerClock {
  #offsetMs: number | undefined;
  #disagreeing = 0;
  #onStep: () => void = () => {};

  /** Calls `listener` after each correction of the time by more than {@link maxCorrectionMs}. */
  onStep(listener: () => void): void {
    this.#onStep = listener;
  }

  /** The time of the API server; the time of this machine until the first answer with a date. */
  now(): Date {
    return new Date(this.#offsetMs === undefined ? Date.now() : performance.now() + this.#offsetMs);
  }

  /** Reads the `Date` of the answer to a request that was sent at `sentAt`, in milliseconds of the monotonic clock. */
  observe(date: string | string[] | undefined, sentAt: number, receivedAt = performance.now()): void {
    const reportedMs = Date.parse(String(date));
    if (Number.isNaN(reportedMs)) return;
    // The answer was dated between sending and receiving, and the second in its date had begun by then.
    const earliest = reportedMs - receivedAt;
    const latest = reportedMs + resolutionMs - sentAt;
    const known = this.#offsetMs ?? Date.now() - performance.now();
    const wanted = Math.min(Math.max(known, earliest), latest);
    const isStep = Math.abs(wanted - known) > maxCorrectionMs;
    this.#disagreeing = isStep ? this.#disagreeing + 1 : 0;
    if (isStep && this.#offsetMs !== undefined && this.#disagreeing < minAgreeing) return;
    this.#disagreeing = 0;
    this.#offsetMs = wanted;
    if (isStep) this.#onStep();
  }
}
