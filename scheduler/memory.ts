import type { ReconcileContext } from './context.ts';
import type { PolicyObject, Stored } from './objects.ts';
import type { PolicyStatus } from './status.ts';

/**
 * Changes what is remembered of a policy. `change` gets the status as it is known at this very instant, not as it was when
 * the pass began: another replica may have written it since, and what it remembers must not be written over.
 */
export async function changeStatus(
  { cluster }: Pick<ReconcileContext, 'cluster'>,
  object: PolicyObject,
  change: (stored: Stored<PolicyStatus | undefined> | undefined) => PolicyStatus | 'Conflict',
): Promise<PolicyStatus | 'Conflict'> {
  const stored = cluster.state().statuses.get(object.name);
  const status = change(stored);
  if (status === 'Conflict' || status === stored?.value) return status;
  return (await cluster.writeStatus(object, status)) === 'Conflict' ? 'Conflict' : status;
}
