import type { EarlierWork, HeldPod } from '../run/kind.ts';
import { lastResults } from '../run/last-results.ts';
import type { Run } from '../run/run.ts';
import type { PolicyPass } from './context.ts';
import { podsOf } from './nodes-to-serve.ts';

/** Returns a function for the work of the other runs of a policy on a node. They are read only if it is asked. */
export function earlierWork(pass: PolicyPass, run: Run): (node: string) => EarlierWork {
  const others = () => pass.journal.runs.of(run.policy).filter(({ name }) => name !== run.name);
  let held: ReadonlyMap<string, readonly HeldPod[]> | undefined;
  return (node) => {
    held ??= Map.groupBy(
      others().flatMap((other) => heldPodsOf(pass, other)),
      ({ pod }) => pod.node,
    );
    return { last: lastResults(others()).get(node), held: held.get(node) ?? [] };
  };
}

/** The pods of a run that are held. Those that are being deleted hold nothing for long. */
export function heldPodsOf({ state }: Pick<PolicyPass, 'state'>, run: Run): readonly HeldPod[] {
  return podsOf(state, run)
    .filter((pod) => pod.deletionTimestamp === undefined && run.kind.isHeld(pod, run))
    .map((pod) => ({ pod, run }));
}
