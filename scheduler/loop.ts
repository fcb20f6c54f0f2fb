/** Changes that come within this time are handled by one pass. */
const debounceMs = 50;
/** Even without a change or an appointment, a pass is made so often. */
const idleMs = 60_000;

/** Runs passes one after the other: soon after a change, and at the time the last pass asked for. */
export class Loop {
  readonly #pass: (now: Date) => Promise<Date | undefined>;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #isStopped = false;

  constructor(pass: (now: Date) => Promise<Date | undefined>) {
    this.#pass = pass;
  }

  /** Asks for a pass soon. */
  trigger(): void {
    this.#schedule(Date.now() + debounceMs);
  }

  /** Resolves when the pass in progress is over; none follows. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  #schedule(at: number): void {
    if (this.#isStopped || at >= this.#dueAt) return;
    this.#dueAt = at;
    if (this.#running !== undefined) return;
    this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#run(), Math.max(0, this.#dueAt - Date.now()));
  }

  #run(): void {
    this.#dueAt = Number.POSITIVE_INFINITY;
    this.#running = this.#pass(new Date()).then((wakeAt) => {
      this.#running = undefined;
      this.#schedule(Math.min(wakeAt?.getTime() ?? Number.POSITIVE_INFINITY, Date.now() + idleMs));
      if (!this.#isStopped) this.#arm();
    });
  }
}
