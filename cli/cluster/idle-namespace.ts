import type { RecordsPort } from './records-port.ts';

/** The command looked into a namespace without policies and without a scheduler, probably the wrong one. */
export class NoSchedulerError extends Error {
  override readonly name = 'NoSchedulerError';
}

/** Tells that no scheduler is at work in a namespace, and how to choose another one. */
export function describeIdle(namespace: string): string {
  return `no scheduler is at work in namespace ${namespace}; choose its namespace with -n, or its cluster with --context`;
}

/**
 * True if no scheduler holds the lease: there never was one, or it has released it. If the lease can't be read, a scheduler counts
 * as being at work. So does one whose lease has expired, which the clock of this machine can't tell.
 */
export async function isIdle(cluster: Pick<RecordsPort, 'readLease'>): Promise<boolean> {
  const stored = await cluster.readLease().catch(() => 'Forbidden' as const);
  return stored === undefined || (stored !== 'Forbidden' && stored.lease.holder === undefined);
}
