import type { Node } from '../objects.ts';
import { type Eligibility, judgeNode, type NodeSelection } from '../run/rollout/eligibility.ts';

/** Decides if a node can be cleaned now: a cleaner must reach its runtime. */
export function judgeCleanable(node: Node, selection: NodeSelection): Eligibility {
  const eligibility = judgeNode(node, selection);
  if (eligibility.verdict !== 'Eligible' || node.runtime !== undefined) return eligibility;
  const message = `no socket is known for the runtime "${node.containerRuntimeVersion}"; name it in the scheduler's NODESWEEP_SOCKETS, and a directory beside its images in NODESWEEP_STATE_DIRECTORIES`;
  return { verdict: 'Ineligible', reason: 'UnknownRuntime', message };
}
