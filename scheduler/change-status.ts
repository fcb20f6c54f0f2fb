import type { ReconcileContext } from './context.ts';
import type { PolicyObject, Versioned } from './objects.ts';
import { type PolicyStatus, withConditions } from './status/status.ts';

/**
 * Changes what is remembered of a policy. `change` gets the status as it is known at this very instant, not as it was when
 * the pass began: another replica may have written it since, and what it remembers must not be written over. The
 * conditions come along as they are now.
 */
export async function changeStatus(
  { cluster, journal }: Pick<ReconcileContext, 'cluster' | 'journal'>,
  object: PolicyObject,
  now: Date,
  change: (stored: Versioned<PolicyStatus | undefined> | undefined) => PolicyStatus | 'Conflict',
): Promise<PolicyStatus | 'Conflict'> {
  const stored = cluster.state().statuses.get(object.name);
  const changed = change(stored);
  if (changed === 'Conflict') return changed;
  const status = withConditions(changed, journal.knownRuns(object.name), now);
  if (status === stored?.value) return status;
  return (await cluster.writeStatus(object, status)) === 'Conflict' ? 'Conflict' : status;
}
