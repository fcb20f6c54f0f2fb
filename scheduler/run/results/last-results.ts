import type { Node } from '../../objects.ts';
import type { Policy } from '../../policy/policy.ts';
import type { RunKind } from '../kind.ts';
import { onceForRuns } from '../once-for-runs.ts';
import type { Settled } from '../progress.ts';
import { nodeRemoved } from '../rollout/eligibility.ts';
import type { Run } from '../run.ts';

/** The newest result of the runs of a policy on a node. */
export interface LastResult {
  readonly run: Run;
  readonly progress: Settled;
}

/** The newest result on each node that a run has tried, or has left out for a cause that is not in the node. */
export const lastResults = onceForRuns((runs): ReadonlyMap<string, LastResult> => {
  const results = runs
    .toSorted((a, b) => a.startedAt.getTime() - b.startedAt.getTime())
    .flatMap((run) =>
      [...run.nodes].flatMap(([node, progress]): [string, LastResult][] =>
        progress.state === 'Settled' && isResult(progress, run) ? [[node, { run, progress }]] : [],
      ),
    );
  return new Map(results);
});

/**
 * False for a node that was left out because of its own state: it is tried when that changes. A run that ended as a whole
 * gives the nodes that it left out its own reason. They wait for the next scheduled run, because another one would end in
 * the same way.
 */
function isResult({ result, attempts, reason }: Settled, run: Run): boolean {
  if (result !== 'Skipped') return true;
  if (reason === nodeRemoved.reason) return false;
  return attempts > 0 || (run.phase === 'Failed' && reason === run.reason);
}

/** True if the run has found all nodes that its policy selects. */
export function isOverAll({ trigger, phase, reason }: Run): boolean {
  if (trigger.type !== 'Schedule' && trigger.type !== 'Request') return false;
  return phase === 'Succeeded' || reason === 'NodesFailed' || reason === 'NoMatchingNodes';
}

/** The newest of the runs that have found all nodes that the policy selects. */
export const lastRunOverAll = onceForRuns(
  (runs): Run | undefined =>
    runs.filter(isOverAll).toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime())[0],
);

/** The names of the nodes on which the newest run has succeeded. */
export const provenNodes = onceForRuns((runs): ReadonlySet<string> => {
  const proven = [...lastResults(runs)].filter(([, { progress }]) => progress.result === 'Succeeded');
  return new Set(proven.map(([node]) => node));
});

/** The names of the nodes whose newest result does not cover the work that the policy means for them. */
export function newNodes(
  nodes: readonly Node[],
  { kind, spec }: { readonly kind: RunKind; readonly spec: Policy },
  runs: readonly Run[],
): ReadonlySet<string> {
  const results = lastResults(runs);
  const isNew = (node: Node) => {
    const last = results.get(node.name);
    return last === undefined || isNodeReplaced(node, last) || !isServed(node, { kind, spec }, last);
  };
  return new Set(nodes.filter(isNew).map(({ name }) => name));
}

const verdicts = new WeakMap<Settled, { readonly node: Node; readonly spec: Policy; readonly isServed: boolean }>();

/** Asks the kind once, not at each pass over thousands of nodes. */
function isServed(node: Node, { kind, spec }: { kind: RunKind; spec: Policy }, last: LastResult): boolean {
  const known = verdicts.get(last.progress);
  if (known?.node === node && known.spec === spec) return known.isServed;
  const verdict = { node, spec, isServed: kind.isServed(node, spec, last) };
  verdicts.set(last.progress, verdict);
  return verdict.isServed;
}

/** True if the node was created after the run: another machine may have the name of one that is gone. */
export function isNodeReplaced({ createdAt }: Node, { run: { finishedAt } }: LastResult): boolean {
  return createdAt !== undefined && finishedAt !== undefined && createdAt > finishedAt;
}
