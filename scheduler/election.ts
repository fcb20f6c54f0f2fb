import { setTimeout as sleep } from 'node:timers/promises';
import {
  defaultTiming,
  type LeaseStore,
  type LeaseTiming,
  leaseToWrite,
  releasedLease,
  type SeenLease,
  type StoredLease,
} from './lease.ts';
import type { Log } from './log.ts';

/**
 * A candidate for a lease, so that one of several replicas reconciles. Safety does not depend on it: two replicas that are
 * both leader for a moment start no run and no pod twice, because object names are unique in the API server.
 */
export class Election {
  readonly #store: LeaseStore;
  readonly #identity: string;
  readonly #log: Log;
  readonly #timing: LeaseTiming;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #seen: SeenLease | undefined;
  #renewedAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #wasLeader = false;

  /** `identity` identifies this process among all replicas. */
  constructor(store: LeaseStore, identity: string, log: Log, timing = defaultTiming) {
    this.#store = store;
    this.#identity = identity;
    this.#log = log;
    this.#timing = timing;
  }

  /** True if this process is the leader now. */
  get isLeader(): boolean {
    return performance.now() - this.#renewedAt < this.#timing.renewDeadlineMs;
  }

  /** True if the leader is known. */
  get isCurrent(): boolean {
    return performance.now() - this.#answeredAt < this.#timing.renewDeadlineMs;
  }

  /** Runs until it is stopped. Calls `onElected` when this process becomes the leader. */
  start(onElected: () => void): void {
    this.#running = this.#stand(onElected);
  }

  /** Releases the lease, so that another replica continues at once. Never rejects. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    if (!this.isLeader || this.#seen === undefined) return;
    try {
      await this.#store.write(releasedLease(this.#seen.lease, new Date()), this.#seen);
      this.#log.info({ identity: this.#identity }, 'released the lease');
    } catch (error) {
      this.#log.warn({ err: error }, `the lease could not be released, and will expire: ${String(error)}`);
    }
    this.#renewedAt = Number.NEGATIVE_INFINITY;
  }

  async #stand(onElected: () => void): Promise<void> {
    const { signal } = this.#stopping;
    const { renewEveryMs, lookEveryMs } = this.#timing;
    while (!signal.aborted) {
      const isAnswered = await this.#tryToLead(onElected);
      this.#noteChange(onElected);
      const pauseMs = isAnswered && this.isLeader ? renewEveryMs : lookEveryMs;
      await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {});
    }
  }

  /** False if there was no answer. */
  async #tryToLead(onElected: () => void): Promise<boolean> {
    const startedAt = performance.now();
    try {
      // The holder knows its own lease. Other candidates read it.
      if (!this.isLeader) this.#see(await this.#store.read());
      const candidate = { identity: this.#identity, durationSeconds: this.#timing.durationSeconds };
      const wanted = leaseToWrite(this.#seen, candidate, performance.now(), new Date());
      const written = wanted && (await this.#store.write(wanted, this.#seen));
      if (written !== undefined) this.#see(written);
      // If the previous lease had expired before this answer, work may have been missed in between.
      this.#noteChange(onElected);
      this.#renewedAt = written === undefined ? Number.NEGATIVE_INFINITY : startedAt;
      this.#answeredAt = performance.now();
      return true;
    } catch (error) {
      const advice = 'without rights to it, set NODESWEEP_LEADER_ELECTION=false and run one replica';
      this.#log.warn({ err: error }, `the lease can't be read or written, trying again: ${String(error)}; ${advice}`);
      return false;
    }
  }

  #noteChange(onElected: () => void): void {
    const { isLeader } = this;
    if (isLeader === this.#wasLeader) return;
    this.#wasLeader = isLeader;
    this.#log.info({ identity: this.#identity }, isLeader ? 'became the leader' : 'is no longer the leader');
    if (isLeader) onElected();
  }

  #see(stored: StoredLease | undefined): void {
    if (stored === undefined) this.#seen = undefined;
    else if (stored.resourceVersion !== this.#seen?.resourceVersion)
      this.#seen = { ...stored, seenAt: performance.now() };
  }
}
