import { runKinds } from '../../scheduler/kinds.ts';
import { parsePolicy } from '../../scheduler/policy/parse.ts';
import { listProblems } from '../../scheduler/policy/problem.ts';
import { runName } from '../../scheduler/run/names.ts';
import { describeMissing } from './missing-policy.ts';
import type { RecordsPort } from './records-port.ts';

/** A run can't be requested. The message says why. */
export class RunRequestError extends Error {
  override readonly name = 'RunRequestError';
}

/** A request, and the name of the run that starts for it. */
export interface RunRequest {
  readonly policy: string;
  readonly request: string;
  readonly run: string;
}

/** Requests a run of a policy. Throws a {@link RunRequestError} if no run would start. */
export async function requestRun(cluster: RecordsPort, policy: string, now: Date): Promise<RunRequest> {
  const { policies } = await cluster.readRecords();
  const object = policies.find(({ name }) => name === policy);
  if (object === undefined) {
    throw new RunRequestError(describeMissing(policy, policies));
  }
  const parsed = parsePolicy(policy, object.data, runKinds);
  if (!parsed.valid) {
    const problems = listProblems(parsed.problems, 4_096);
    throw new RunRequestError(`policy ${policy} is not valid, so no run starts: ${problems}`);
  }
  const request = now.toISOString();
  await cluster.requestRun(policy, request);
  return { policy, request, run: runName(policy, { type: 'Request', request }) };
}
