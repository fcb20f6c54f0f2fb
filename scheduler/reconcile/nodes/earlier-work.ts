import type { EarlierWork, HeldPod } from '../../run/kind.ts';
import { lastResults } from '../../run/results/last-results.ts';
import type { Run } from '../../run/run.ts';
import type { PolicyPass } from '../context.ts';
import { podsOf } from './nodes-to-serve.ts';

/** Returns a function for the work of the other runs of a policy on a node. They are read only if it is asked. */
export function earlierWork(pass: PolicyPass, run: Run): (node: string) => EarlierWork {
  let known: ReturnType<typeof readEarlier> | undefined;
  return (node) => {
    known ??= readEarlier(pass, run);
    return { last: known.results.get(node), held: known.held.get(node) ?? [] };
  };
}

function readEarlier(pass: PolicyPass, { name, policy }: Run) {
  const others = pass.journal.runs.of(policy).filter((other) => other.name !== name);
  const held = others.flatMap((other) => heldPodsOf(pass, other));
  return { results: lastResults(others), held: Map.groupBy(held, ({ pod }) => pod.node) };
}

/** The pods of a run that are held. Those that are being deleted hold nothing for long. */
function heldPodsOf({ state }: Pick<PolicyPass, 'state'>, run: Run): readonly HeldPod[] {
  return podsOf(state, run)
    .filter((pod) => pod.deletionTimestamp === undefined && run.kind.isHeld(pod, run))
    .map((pod) => ({ pod, run }));
}
