/** The Lease for which the replicas of a scheduler stand: who holds it works, the others wait. */
export interface Lease {
  /** Undefined where it was given back. */
  readonly holder: string | undefined;
  /** For so long after it was last renewed it is not to be taken from its holder. */
  readonly durationSeconds: number;
  readonly acquiredAt: Date;
  readonly renewedAt: Date;
  /** The number of times that it went from one holder to another. */
  readonly transitions: number;
}

/** The store of the lease. Every call may reject; none retries. */
export interface LeaseStore {
  read(): Promise<StoredLease | undefined>;
  /** Writes over a version, or creates it where there is none; undefined where somebody was faster. */
  write(lease: Lease, over: StoredLease | undefined): Promise<StoredLease | undefined>;
}

export interface StoredLease {
  readonly lease: Lease;
  readonly resourceVersion: string;
}

/** A lease, and since when (in milliseconds of a clock of one's own) it has been seen as it is. */
export interface SeenLease extends StoredLease {
  readonly seenAt: number;
}

/** In milliseconds, but for the duration that others are told. */
export interface LeaseTiming {
  /** The holder renews so often; the lease outlives two failures to do so. */
  readonly renewEveryMs: number;
  /** The others look so often, and the holder tries again so soon. */
  readonly lookEveryMs: number;
  /** A holder that could not renew for so long holds it no longer: well before anybody else may take it. */
  readonly renewDeadlineMs: number;
  readonly durationSeconds: number;
}

/** As the components of Kubernetes have it, but for half as many writes. */
export const defaultTiming: LeaseTiming = {
  renewEveryMs: 4_000,
  lookEveryMs: 2_000,
  renewDeadlineMs: 10_000,
  durationSeconds: 15,
};

/**
 * The lease to write now, for the candidate to hold it; undefined while somebody else does. Whether a lease has run out is told by
 * how long it has been seen unchanged, not by the times in it: the holder's clock may be another.
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

/** The lease given back: the next one needs not wait for its end. */
export function releasedLease(lease: Lease, now: Date): Lease {
  return { ...lease, holder: undefined, durationSeconds: 1, renewedAt: now };
}
