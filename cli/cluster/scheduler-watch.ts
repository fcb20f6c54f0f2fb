import type { StoredLease } from '../../scheduler/lease.ts';

/**
 * The time since a scheduler was last at work, from its lease. A lease counts as held while it changes: the times in it are
 * those of another clock.
 */
export class SchedulerWatch {
  #version: string | undefined;
  #seenAt: number;

  /** All times are in milliseconds of the monotonic clock. */
  constructor(now: number) {
    this.#seenAt = now;
  }

  /** Undefined if there is no lease. If nobody may read it, nothing is known, and the scheduler counts as being at work. */
  see(lease: StoredLease | 'Forbidden' | undefined, now: number): void {
    if (lease === 'Forbidden') this.#seenAt = now;
    if (typeof lease !== 'object' || lease.lease.holder === undefined || lease.resourceVersion === this.#version)
      return;
    this.#version = lease.resourceVersion;
    this.#seenAt = now;
  }

  absentMs(now: number): number {
    return now - this.#seenAt;
  }
}
