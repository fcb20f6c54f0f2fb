/** The Lease of the leader. Its holder reconciles, and the other replicas wait. */
export interface Lease {
  /** Undefined if the lease was released. */
  readonly holder: string | undefined;
  /** Time after the last renewal during which other candidates must not take the lease. */
  readonly durationSeconds: number;
  readonly acquiredAt: Date;
  readonly renewedAt: Date;
  /** The number of changes of the holder. */
  readonly transitions: number;
}

/** The store of the lease. Every call may reject; none retries. */
export interface LeaseStore {
  read(): Promise<StoredLease | undefined>;
  /** Replaces a version of the lease, or creates it; undefined if another candidate was faster. */
  write(lease: Lease, over: StoredLease | undefined): Promise<StoredLease | undefined>;
}

export interface StoredLease {
  readonly lease: Lease;
  readonly resourceVersion: string;
}

/** A lease, and the time of its last observed change, in milliseconds of a local clock. */
export interface SeenLease extends StoredLease {
  readonly seenAt: number;
}

/** Intervals in milliseconds, and the duration in the lease in seconds. */
export interface LeaseTiming {
  /** Interval of renewals. Two failed renewals do not lose the lease. */
  readonly renewEveryMs: number;
  /** Interval at which other candidates read the lease, and of attempts after a failed renewal. */
  readonly lookEveryMs: number;
  /** Time without a renewal after which the holder stops, well before another candidate may take the lease. */
  readonly renewDeadlineMs: number;
  readonly durationSeconds: number;
}

/** The intervals of the components of Kubernetes, with half as many writes. */
export const defaultTiming: LeaseTiming = {
  renewEveryMs: 4_000,
  lookEveryMs: 2_000,
  renewDeadlineMs: 10_000,
  durationSeconds: 15,
};

/**
 * The lease that a candidate writes now to hold it; undefined while another candidate holds it. A lease has expired when it
 * did not change for its duration. The times in it don't count, because the clock of the holder may differ.
 */
export function leaseToWrite(
  seen: SeenLease | undefined,
  candidate: { readonly identity: string; readonly durationSeconds: number },
  clockMs: number,
  now: Date,
): Lease | undefined {
  const { identity: holder, durationSeconds } = candidate;
  if (seen === undefined) return { holder, durationSeconds, acquiredAt: now, renewedAt: now, transitions: 0 };
  const { lease, seenAt } = seen;
  if (lease.holder === holder) return { ...lease, durationSeconds, renewedAt: now };
  const isHeld = lease.holder !== undefined && clockMs - seenAt < lease.durationSeconds * 1000;
  if (isHeld) return undefined;
  return { holder, durationSeconds, acquiredAt: now, renewedAt: now, transitions: lease.transitions + 1 };
}

/** The released lease, so that the next candidate need not wait for its expiry. */
export function releasedLease(lease: Lease, now: Date): Lease {
  return { ...lease, holder: undefined, durationSeconds: 1, renewedAt: now };
}
