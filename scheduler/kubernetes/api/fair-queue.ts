/** Requests that come at once may go at once, as many as go in so long; after that they go at the rate. */
const burstSeconds = 10;
/** The server gets no more requests at once than this, however slow it is. */
const maxAtOnce = 100;

interface Flow {
  readonly waiting: (() => void)[];
  underWay: number;
}

/**
 * Lets requests go at a rate, and those of several flows in turns: one with many requests, or with slow ones, delays no
 * other. It waits by the monotonic clock.
 */
export class FairQueue {
  readonly #perSecond: number;
  /** In the order of their turns. */
  readonly #flows = new Map<string, Flow>();
  #underWay = 0;
  /** The number of requests that may go now, as it was at `#filledAt`. */
  #tokens: number;
  #filledAt = performance.now();
  #timer: NodeJS.Timeout | undefined;

  constructor(requestsPerSecond: number) {
    this.#perSecond = requestsPerSecond;
    this.#tokens = this.#capacity;
  }

  /** Makes a request when it is its turn. */
  async run<T>(name: string, request: () => Promise<T>): Promise<T> {
    const flow = this.#flows.get(name) ?? { waiting: [], underWay: 0 };
    this.#flows.set(name, flow);
    const { promise: turn, resolve } = Promise.withResolvers<void>();
    flow.waiting.push(resolve);
    this.#letGo();
    await turn;
    try {
      return await request();
    } finally {
      flow.underWay -= 1;
      this.#underWay -= 1;
      if (flow.underWay === 0 && flow.waiting.length === 0) this.#flows.delete(name);
      this.#letGo();
    }
  }

  #letGo(): void {
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
    this.#underWay += 1;
    flow.underWay += 1;
    // Its next turn comes after those of all others.
    this.#flows.delete(name);
    this.#flows.set(name, flow);
    flow.waiting.shift()?.();
  }

  /** One with nothing under way may always go: requests of others that hang can't take all places. */
  #next(): [name: string, flow: Flow] | undefined {
    const hasRoom = this.#underWay < maxAtOnce;
    return this.#flows.entries().find(([, { waiting, underWay }]) => waiting.length > 0 && (hasRoom || underWay === 0));
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
      this.#letGo();
    }, Math.ceil(missingMs));
  }

  get #capacity(): number {
    return this.#perSecond * burstSeconds;
  }
}
