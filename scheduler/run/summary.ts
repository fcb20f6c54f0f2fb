import { compareNames } from '../../contract/text.ts';
import { onceFor } from './once-for.ts';
import type { NodeProgress } from './progress.ts';
import type { Run } from './run.ts';

/** The maximum number of listed problems of nodes. Further ones are only counted: a record must stay well below 1 MiB. */
const maxProblems = 100;

/** The end of one node that failed, or that succeeded with a remark. */
export interface NodeProblem {
  readonly node: string;
  readonly result: string;
  readonly reason: string | undefined;
  readonly message: string | undefined;
}

/** The results of a run in total. */
export interface Summary {
  readonly nodes: {
    desired: number;
    pending: number;
    active: number;
    succeeded: number;
    failed: number;
    skipped: number;
  };
  /** The figures of the kind of the run. */
  readonly totals: object;
  readonly problems: readonly NodeProblem[];
  readonly omittedProblems: number;
}

export function summarize(run: Pick<Run, 'kind' | 'nodes'>): Summary {
  const problems = problemsOf(run);
  return {
    nodes: countNodes(run),
    totals: run.kind.totalsOf(talliesOf(run)),
    problems: problems.slice(0, maxProblems),
    omittedProblems: Math.max(0, problems.length - maxProblems),
  };
}

function countNodes({ nodes }: Pick<Run, 'nodes'>): Summary['nodes'] {
  const counts = { desired: nodes.size, pending: 0, active: 0, succeeded: 0, failed: 0, skipped: 0 };
  for (const node of nodes.values()) counts[placeOf(node)] += 1;
  return counts;
}

function placeOf(node: NodeProgress): Exclude<keyof Summary['nodes'], 'desired'> {
  if (node.state !== 'Settled') return node.attempts > 0 ? 'active' : 'pending';
  return places[node.result];
}

const places = { Succeeded: 'succeeded', Failed: 'failed', Skipped: 'skipped' } as const;

/** The results of the nodes in a few words. Results that no node has are left out. */
export function describeResults({ succeeded, desired, failed, skipped }: Summary['nodes']): string {
  const others = [failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`];
  return [`${succeeded} of ${desired} nodes succeeded`, ...others].filter(Boolean).join(', ');
}

/** The figures of the nodes that have figures. */
export function talliesOf({ nodes }: Pick<Run, 'nodes'>): unknown[] {
  return [...nodes.values()].flatMap((node) => (node.state === 'Settled' ? (node.tally ?? []) : []));
}

/** The ends of all nodes that failed, were skipped, or succeeded with a remark, sorted by result and name. */
export const problemsOf = onceFor((run: Pick<Run, 'nodes'>): readonly NodeProblem[] =>
  [...run.nodes]
    .flatMap(([node, progress]) => {
      if (progress.state !== 'Settled') return [];
      const { result, reason, message } = progress;
      return result === 'Succeeded' && reason === undefined ? [] : [{ node, result, reason, message }];
    })
    .sort((a, b) => compareNames(a.result, b.result) || compareNames(a.node, b.node)),
);
