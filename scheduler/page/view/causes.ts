import { compareNames } from '../../../contract/text.ts';
import { type NodeProgress, troubleOf } from '../../run/progress.ts';
import type { Run } from '../../run/run.ts';
import { onceFor } from './once-for.ts';

/** The state of a node in a run. */
export const nodeStates = ['Active', 'Waiting', 'Succeeded', 'Failed', 'Skipped'] as const;
export type NodeState = (typeof nodeStates)[number];

/** A node in a run, with the cause of its state if there is one. */
export interface NodeInRun {
  readonly node: string;
  readonly state: NodeState;
  readonly reason: string | undefined;
  readonly message: string | undefined;
  readonly progress: NodeProgress;
}

/** The nodes of a run for which one reason was given for one state. */
export interface CauseGroup {
  readonly run: string;
  readonly policy: string;
  readonly state: NodeState;
  readonly reason: string;
  /** The message of the first node that has one. */
  readonly message: string | undefined;
  /** Sorted by name. */
  readonly nodes: readonly string[];
}

/** The nodes of a run, sorted by name. */
export function nodesInRun(run: Run): readonly NodeInRun[] {
  return [...run.nodes]
    .map(([node, progress]) => nodeInRun(node, progress))
    .sort((one, other) => compareNames(one.node, other.node));
}

/** The causes in a run, those of failures first, and the frequent ones before the rare ones. */
export const causesOf = onceFor((run: Run): readonly CauseGroup[] => {
  const caused = nodesInRun(run).filter(({ reason }) => reason !== undefined);
  const groups = Map.groupBy(caused, ({ state, reason }) => `${state} ${reason}`);
  return [...groups.values()].flatMap((nodes) => groupOf(run, nodes)).sort(byWeight);
});

/** The numbers of nodes of a run by their state. */
export const countStates = onceFor((run: Run): Readonly<Record<NodeState, number>> => {
  const counts = { Active: 0, Waiting: 0, Succeeded: 0, Failed: 0, Skipped: 0 };
  for (const progress of run.nodes.values()) counts[stateIn(progress)] += 1;
  return counts;
});

function nodeInRun(node: string, progress: NodeProgress): NodeInRun {
  const cause = progress.state === 'Settled' ? progress : troubleOf(progress);
  return { node, state: stateIn(progress), reason: cause?.reason, message: cause?.message, progress };
}

/** A node counts as active from its first pod on, as in `nodesweep status`. */
function stateIn(progress: NodeProgress): NodeState {
  if (progress.state === 'Settled') return progress.result;
  return progress.attempts > 0 ? 'Active' : 'Waiting';
}

function groupOf(run: Run, nodes: readonly NodeInRun[]): CauseGroup[] {
  const [first] = nodes;
  if (first?.reason === undefined) return [];
  return [
    {
      run: run.name,
      policy: run.policy,
      state: first.state,
      reason: first.reason,
      message: nodes.find(({ message }) => message !== undefined)?.message,
      nodes: nodes.map(({ node }) => node),
    },
  ];
}

const weights: Readonly<Record<NodeState, number>> = { Failed: 0, Waiting: 1, Active: 2, Succeeded: 3, Skipped: 4 };

export function byWeight(one: CauseGroup, other: CauseGroup): number {
  return weights[one.state] - weights[other.state] || other.nodes.length - one.nodes.length;
}
