import { runKinds } from '../../scheduler/kinds.ts';
import { describePolicies, type PolicyOverview } from '../../scheduler/overview/overview.ts';
import { describeIdle, isIdle, NoSchedulerError } from './idle-namespace.ts';
import { describeMissing } from './missing-policy.ts';
import type { RecordsPort } from './records-port.ts';
import { RunRequestError } from './run-request.ts';

export interface StatusReport {
  readonly policies: readonly PolicyOverview[];
  /** The objects that could not be read, with the reason for each. */
  readonly unreadable: readonly string[];
}

/**
 * The records of all policies, or of one. Throws a {@link RunRequestError} if the policy does not exist, and a
 * {@link NoSchedulerError} if the namespace has neither policies nor a scheduler.
 */
export async function reportStatus(
  cluster: Pick<RecordsPort, 'readRecords' | 'readLease'>,
  namespace: string,
  policy: string | undefined,
): Promise<StatusReport> {
  const { unreadable, ...state } = await cluster.readRecords();
  const policies = describePolicies(state, runKinds);
  if (policies.length === 0 && (await isIdle(cluster))) throw new NoSchedulerError(describeIdle(namespace));
  if (policy === undefined) return { policies, unreadable };
  const chosen = policies.filter((candidate) => candidate.policy === policy);
  if (chosen.length > 0) return { policies: chosen, unreadable };
  throw new RunRequestError(describeMissing(policy, state.policies));
}
