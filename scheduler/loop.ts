/** Changes that come within this time are handled by one pass. */
const debounceMs = 50;
/** A pass over many nodes is work: while changes keep coming, passes are given but a part of the CPU. */
const restFactor = 4;
const maxRestMs = 1_000;
/** Even without a change or an appointment, a pass is made so often. */
const idleMs = 60_000;

/** Runs passes, which must not reject, one after the other: soon after a change, and when the last one asked for. */
export class Loop {
  readonly #pass: (now: Date) => Promise<Date | undefined>;
  #timer: NodeJS.Timeout | undefined;
  #dueAt = Number.POSITIVE_INFINITY;
  #running: Promise<void> | undefined;
  #isStopped = false;
  #lastPassAt = Date.now();
  #restUntil = 0;

  constructor(pass: (now: Date) => Promise<Date | undefined>) {
    this.#pass = pass;
  }

  /** Asks for a pass soon. */
  trigger(): void {
    this.#schedule(Math.max(Date.now() + debounceMs, this.#restUntil));
  }

  /** For how long no pass has come to its end, in milliseconds. */
  get silentMs(): number {
    return Date.now() - this.#lastPassAt;
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
    const before = process.cpuUsage();
    this.#running = this.#pass(new Date()).then((wakeAt) => {
      const { user, system } = process.cpuUsage(before);
      this.#running = undefined;
      this.#lastPassAt = Date.now();
      this.#restUntil = this.#lastPassAt + Math.min(((user + system) / 1_000) * restFactor, maxRestMs);
      this.#dueAt = Math.max(this.#dueAt, this.#restUntil);
      this.#schedule(appointment(wakeAt, Date.now()));
      if (!this.#isStopped) this.#arm();
    });
  }
}

/** Never so soon that passes follow each other without a pause, nor later than the idle time. */
function appointment(wakeAt: Date | undefined, now: number): number {
  const wanted = wakeAt === undefined || Number.isNaN(wakeAt.getTime()) ? Number.POSITIVE_INFINITY : wakeAt.getTime();
  return Math.min(Math.max(wanted, now + debounceMs), now + idleMs);
}
