interface Appointment {
  readonly at: number;
  readonly action: () => void;
}

/** Simulated time: actions happen in the order of their instants, those of one instant in the order they were planned. */
export class Timeline {
  /** In milliseconds since the epoch. */
  now: number;
  readonly #appointments: Appointment[] = [];

  constructor(start: Date) {
    this.now = start.getTime();
  }

  /** Plans an action for so many milliseconds from now. */
  after(delayMs: number, action: () => void): void {
    const at = this.now + delayMs;
    const index = this.#appointments.findLastIndex((other) => other.at <= at);
    this.#appointments.splice(index + 1, 0, { at, action });
  }

  /** Moves on to `to`; `settle` is awaited after each action, so that everything it set off has come to rest. */
  async advance(to: number, settle: () => Promise<void>): Promise<void> {
    for (;;) {
      const next = this.#appointments[0];
      if (next === undefined || next.at > to) break;
      this.#appointments.shift();
      this.now = Math.max(this.now, next.at);
      next.action();
      await settle();
    }
    this.now = Math.max(this.now, to);
  }
}
