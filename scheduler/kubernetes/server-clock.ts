/** A header tells whole seconds. */
const resolutionMs = 1_000;
/** By so much the clocks of several API servers may differ, and one clock may drift between two answers. */
const maxCorrectionMs = 2_000;
/** So many answers in a row have to agree on a greater change: a single one may come from a server whose clock is wrong. */
const minAgreeing = 3;

/**
 * The time of the API server: that of the objects it stamps. It goes on by the monotonic clock, so that a step of this
 * machine's clock changes nothing, and is corrected by the `Date` of the answers as little as they ask for.
 */
export class ServerClock {
  #offsetMs: number | undefined;
  #disagreeing = 0;
  #onStep: () => void = () => {};

  /** `listener` is called when the time has become another one than it would be by going on. */
  onStep(listener: () => void): void {
    this.#onStep = listener;
  }

  /** Until the first answer, and where no answer has a date, that of this machine. */
  now(): Date {
    return new Date(this.#offsetMs === undefined ? Date.now() : performance.now() + this.#offsetMs);
  }

  /** Takes over the `Date` of an answer to a request that was sent at `sentAt`, in milliseconds of the monotonic clock. */
  observe(date: string | string[] | undefined, sentAt: number, receivedAt = performance.now()): void {
    const told = Date.parse(String(date));
    if (Number.isNaN(told)) return;
    // The answer was dated at some instant between both, and the second it tells had begun by then.
    const earliest = told - receivedAt;
    const latest = told + resolutionMs - sentAt;
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
