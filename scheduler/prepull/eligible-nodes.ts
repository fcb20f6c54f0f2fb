import type { Node } from '../objects.ts';
import type { Policy } from '../policy/policy.ts';
import { type Eligibility, judgeNode } from '../run/rollout/eligibility.ts';
import type { PrepullPolicy } from './policy.ts';

/** The kubelet would admit no puller, and would remove the images again. */
const pressed = {
  verdict: 'Ineligible',
  reason: 'DiskPressure',
  message: 'the node is under disk pressure, so it gets no images',
} as const;

/** Decides if a puller can be placed on a node now: the node gets the images of each list that can have it. */
export function judgeByLists(node: Node, policy: Policy): Eligibility {
  const { lists } = policy as PrepullPolicy;
  const verdicts = lists.map(({ nodes }) => judgeNode(node, nodes));
  const eligible = verdicts.find(({ verdict }) => verdict === 'Eligible');
  if (eligible !== undefined && node.diskPressure === true) return pressed;
  return eligible ?? verdicts.find(({ verdict }) => verdict === 'Ineligible') ?? { verdict: 'NotSelected' };
}
