import type { PlanDocument } from '../../contract/plan-document.ts';
import { cleanup } from '../../scheduler/cleanup/kind.ts';
import type { CleanupPolicy } from '../../scheduler/cleanup/policy.ts';
import { type NodeProgress, type NodeResult, troubleOf } from '../../scheduler/run/progress.ts';
import type { Run } from '../../scheduler/run/run.ts';
import { describeMissing } from './missing-policy.ts';
import { readPlanOfLog } from './plans/plan-report.ts';
import type { RecordsPort } from './records-port.ts';

/** There is no record of a node, or no such policy. The message says what to do. */
export class NodeStatusError extends Error {
  override readonly name = 'NodeStatusError';
}

/** The last run of a policy on a node. */
export interface NodeStatus {
  readonly policy: string;
  readonly node: string;
  readonly run: string;
  readonly startedAt: Date;
  /** `Active` until the run has ended on the node. */
  readonly result: NodeResult | 'Active';
  readonly reason: string | undefined;
  readonly message: string | undefined;
  /** Each image with the decision of the run; absent without the log of its pod, which is deleted with the pod. */
  readonly plan?: PlanDocument;
}

/** Reads the last run of a policy on a node, from its record and the log of its pod. Throws a {@link NodeStatusError}. */
export async function readNodeStatus(
  cluster: Pick<RecordsPort, 'readRecords' | 'readLastLog'>,
  { policy, node }: { readonly policy: string; readonly node: string },
): Promise<NodeStatus> {
  const { policies, runs } = await cluster.readRecords();
  if (!policies.some(({ name }) => name === policy)) throw new NodeStatusError(describeMissing(policy, policies));
  const [last] = runs
    .map(({ value }) => value)
    .filter((run) => run.policy === policy && run.nodes.has(node))
    .sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  const progress = last?.nodes.get(node);
  if (last === undefined || progress === undefined) {
    throw new NodeStatusError(
      `no recorded run of policy ${policy} has worked on node ${node}; \`nodesweep plan ${policy} --node ${node}\` shows what one would do now`,
    );
  }
  const log = last.kind === cleanup ? await cluster.readLastLog(policy, node) : undefined;
  const plan = log?.run === last.name ? readPlanOfLog(log, diskOf(last)) : undefined;
  const { name: run, startedAt } = last;
  return { policy, node, run, startedAt, ...describeProgress(progress), ...(plan && { plan }) };
}

function diskOf({ kind, spec }: Run): CleanupPolicy['disk'] {
  return kind === cleanup ? (spec as CleanupPolicy).disk : undefined;
}

function describeProgress(progress: NodeProgress): Pick<NodeStatus, 'result' | 'reason' | 'message'> {
  if (progress.state !== 'Settled') {
    const { reason, message } = troubleOf(progress) ?? {};
    return { result: 'Active', reason, message };
  }
  const { result, reason, message } = progress;
  return { result, reason, message };
}
