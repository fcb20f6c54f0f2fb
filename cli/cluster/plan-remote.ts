import prettyMilliseconds from 'pretty-ms';
import type { PlanDocument } from '../../contract/plan-document.ts';
import { judgeCleanable } from '../../scheduler/cleanup/eligibility.ts';
import type { Node, PolicyObject } from '../../scheduler/objects.ts';
import { type CleanupPolicy, parsePolicy } from '../../scheduler/policy/policy.ts';
import { planFresh } from './plan-fresh.ts';
import { PlanError, type PlanPort } from './plan-port.ts';
import { readPlanOfLog } from './plan-report.ts';

/** A plan of a policy on a node of the cluster, as somebody asks for it. */
export interface PlanRequest {
  readonly policy: string;
  readonly node: string;
  /** True to ask the node now, even if there is a report. */
  readonly fresh: boolean;
  /** The time that the pod on the node may take. */
  readonly timeoutSeconds: number;
}

/**
 * Returns what a policy did on a node by the report of its last run there, or else what it would do now. Throws a {@link
 * PlanError}.
 */
export async function planRemotely(
  request: PlanRequest,
  cluster: PlanPort,
  now: Date,
  signal: AbortSignal,
): Promise<PlanDocument> {
  const [policies, node] = await Promise.all([cluster.listPolicies(), cluster.readNode(request.node)]);
  const chosen = choosePolicy(policies, request.policy);
  if (node === undefined) throw new PlanError(`there is no node ${request.node}; \`kubectl get nodes\` lists them`);
  const reported = request.fresh ? undefined : await readReport(request, chosen.policy, cluster, now);
  const plan = reported ?? (await planFresh({ ...request, ...chosen, node }, cluster, now, signal));
  return { ...plan, notes: [...describeSelection(node, chosen.policy), ...plan.notes] };
}

function choosePolicy(policies: readonly PolicyObject[], name: string) {
  const object = policies.find((candidate) => candidate.name === name);
  if (object === undefined) {
    const names = policies.map((candidate) => candidate.name).sort();
    throw new PlanError(`there is no policy ${name}; there is ${names.join(', ') || 'none, with this scheduler'}`);
  }
  const parsed = parsePolicy(object.name, object.data);
  if (parsed.valid) return { object, document: parsed.document, policy: parsed.policy };
  const problems = parsed.problems.map(({ path, message }) => `${path}: ${message}`);
  throw new PlanError(`policy ${name} is not valid and does nothing: ${problems.join('; ')}`);
}

async function readReport({ policy: name, node }: PlanRequest, policy: CleanupPolicy, cluster: PlanPort, now: Date) {
  const log = await cluster.readLastLog(name, node);
  const plan = log && readPlanOfLog(log, policy.disk);
  if (plan === undefined) return undefined;
  const age = prettyMilliseconds(Math.max(0, now.getTime() - Date.parse(plan.time)), { compact: true });
  return { ...plan, notes: [`this is what run ${plan.run} did ${age} ago; --fresh tells what the next one would do`] };
}

/** A plan can be made for any node; a run of the policy may leave it out all the same. */
function describeSelection(node: Node, { nodes }: CleanupPolicy): readonly string[] {
  const judgement = judgeCleanable(node, nodes);
  if (judgement.verdict === 'Eligible') return [];
  const why = judgement.verdict === 'NotSelected' ? 'its selector does not match it' : judgement.message;
  return [`the policy's next run would leave this node out: ${why}`];
}
