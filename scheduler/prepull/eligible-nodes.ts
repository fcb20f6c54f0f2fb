import type { Node } from '../objects.ts';
import type { Policy } from '../policy/policy.ts';
import { type Eligibility, judgeNode } from '../run/eligibility.ts';
import type { PrepullPolicy } from './policy.ts';

/** Decides if a puller can be placed on a node now: the node gets the images of each list that can have it. */
export function judgeByLists(node: Node, policy: Policy): Eligibility {
  const { lists } = policy as PrepullPolicy;
  const verdicts = lists.map(({ nodes }) => judgeNode(node, nodes));
  const eligible = verdicts.find(({ verdict }) => verdict === 'Eligible');
  return eligible ?? verdicts.find(({ verdict }) => verdict === 'Ineligible') ?? { verdict: 'NotSelected' };
}
