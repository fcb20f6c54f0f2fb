import type { PlanDocument } from '../../../contract/plan-document.ts';
import { judgeCleanable } from '../../../scheduler/cleanup/cleanable-nodes.ts';
import { isCleanup } from '../../../scheduler/cleanup/kind.ts';
import type { CleanupPolicy } from '../../../scheduler/cleanup/policy.ts';
import { runKinds } from '../../../scheduler/kinds.ts';
import type { Node, PolicyObject } from '../../../scheduler/objects.ts';
import { type ParsedPolicy, parsePolicy } from '../../../scheduler/policy/parse.ts';
import { type Keeper, keepersIn } from '../../../scheduler/status/kept-references.ts';
import { describeMissing } from '../missing-policy.ts';
import { planFresh } from './plan-fresh.ts';
import { nameKeepers } from './plan-keepers.ts';
import { PlanError, type PlanPort } from './plan-port.ts';

/** A request for a plan of a policy on a node of the cluster. */
export interface PlanRequest {
  readonly policy: string;
  readonly node: string;
  /** The maximum time of the pod on the node. */
  readonly timeoutSeconds: number;
}

/** Makes a plan of the policy on a node now. Throws a {@link PlanError}. */
export async function planRemotely(
  request: PlanRequest,
  cluster: PlanPort,
  now: Date,
  signal: AbortSignal,
): Promise<PlanDocument> {
  const [policies, node] = await Promise.all([cluster.listPolicies(), cluster.readNode(request.node)]);
  const chosen = choosePolicy(policies, request.policy);
  if (node === undefined) throw new PlanError(`there is no node ${request.node}; \`kubectl get nodes\` lists them`);
  const keepers = await readKeepers(policies, cluster);
  const plan = await planFresh({ ...request, ...chosen, node, keepers }, cluster, now, signal);
  return nameKeepers({ ...plan, notes: [...describeSelection(node, chosen.policy), ...plan.notes] }, { node, keepers });
}

/** The policies that keep images on nodes now. */
async function readKeepers(policies: readonly PolicyObject[], cluster: PlanPort): Promise<readonly Keeper[]> {
  const [statuses, ledgers] = await Promise.all([cluster.listStatuses(), cluster.listLedgers()]);
  return keepersIn({ policies, statuses, ledgers }, parse);
}

function parse({ name, data }: PolicyObject): ParsedPolicy {
  return parsePolicy(name, data, runKinds);
}

function choosePolicy(policies: readonly PolicyObject[], name: string) {
  const object = policies.find((candidate) => candidate.name === name);
  if (object === undefined) throw new PlanError(describeMissing(name, policies));
  const parsed = parse(object);
  if (parsed.valid && isCleanup(parsed)) return { object, document: parsed.document, policy: parsed.policy };
  if (parsed.valid)
    throw new PlanError(
      `policy ${name} is of image lists and removes no images, so there is no plan of it; \`nodesweep status ${name}\` shows its images`,
    );
  const problems = parsed.problems.map(({ path, message }) => `${path}: ${message}`);
  throw new PlanError(`policy ${name} is not valid: ${problems.join('; ')}`);
}

/** A remark if a run of the policy would skip the node, for which a plan is made nevertheless. */
function describeSelection(node: Node, { nodes }: CleanupPolicy): readonly string[] {
  const judgement = judgeCleanable(node, nodes);
  if (judgement.verdict === 'Eligible') return [];
  const why = judgement.verdict === 'NotSelected' ? 'its selector does not match it' : judgement.message;
  return [`the policy's next run would skip this node: ${why}`];
}
