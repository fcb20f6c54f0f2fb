/** A burst has as many requests as the rate allows in this time. */
const burstSeconds = 10;
/** Maximum number of concurrent requests. Only the first request of a flow may exceed it. */
const maxConcurrent = 100;

interface Flow {
  readonly waiting: (() => void)[];
  active: number;
}

/**
 * Starts requests at a limited rate. Several flows take turns, so that a flow with many or slow requests does not delay the
 * others. It uses the monotonic clock.
 */
export class FairQueue {
  readonly #perSecond: number;
  /** The flows in the order of their turns. */
  readonly #flows = new Map<string, Flow>();
  #active = 0;
  /** The number of requests that could start at `#filledAt`. */
  #tokens: number;
  #filledAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(requestsPerSecond: number) {
    this.#perSecond = requestsPerSecond;
    this.#tokens = this.#capacity;
  }

  /** Sends a request when its turn has come, and returns the answer. */
  async run<T>(name: string, request: () => Promise<T>): Promise<T> {
    const flow = this.#flows.get(name) ?? { waiting: [], active: 0 };
    this.#flows.set(name, flow);
    const { promise: turn, resolve } = Promise.withResolvers<void>();
    flow.waiting.push(resolve);
    this.#startRequests();
    await turn;
    try {
      return await request();
    } finally {
      flow.active -= 1;
      this.#active -= 1;
      if (flow.active === 0 && flow.waiting.length === 0) this.#flows.delete(name);
      this.#startRequests();
    }
  }

  #startRequests(): void {
    this.#fill();
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      if (this.#tokens < 1) {
        this.#waitForToken();
        return;
      }
      this.#tokens -= 1;
      this.#start(...next);
    }
  }

  #start(name: string, flow: Flow): void {
    this.#active += 1;
    flow.active += 1;
    // The next turn of this flow is after the turns of all others.
    this.#flows.delete(name);
    this.#flows.set(name, flow);
    flow.waiting.shift()?.();
  }

  /**
   * The flow whose turn is next. A flow without active requests may always start one, so that requests of others that
   * never end do not stop it.
   */
  #next(): [name: string, flow: Flow] | undefined {
    const hasRoom = this.#active < maxConcurrent;
    return this.#flows.entries().find(([, { waiting, active }]) => waiting.length > 0 && (hasRoom || active === 0));
  }

  #fill(): void {
    const now = performance.now();
    this.#tokens = Math.min(this.#tokens + ((now - this.#filledAt) / 1_000) * this.#perSecond, this.#capacity);
    this.#filledAt = now;
  }

  #waitForToken(): void {
    if (this.#timer !== undefined) return;
    const missingMs = ((1 - this.#tokens) / this.#perSecond) * 1_000;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#startRequests();
    }, Math.ceil(missingMs));
  }

  get #capacity(): number {
    return this.#perSecond * burstSeconds;
  }
}
