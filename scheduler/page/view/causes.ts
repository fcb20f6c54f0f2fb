import { hash } from '../../../contract/labels.ts';
import { compareNames } from '../../../contract/text.ts';
import { groupByCause, haveSameMessage } from '../../overview/causes.ts';
import { onceFor } from '../../run/once-for.ts';
import { type NodeProgress, troubleOf } from '../../run/progress.ts';
import type { Run } from '../../run/run.ts';

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

/** The nodes of a run that have one state for the same cause, as `nodesweep status` groups them. */
export interface CauseGroup {
  /** The same as long as the run has such nodes. Usable in an ID of HTML. */
  readonly id: string;
  readonly run: string;
  readonly policy: string;
  readonly state: NodeState;
  readonly reason: string;
  /** The message of the first of the nodes. */
  readonly message: string | undefined;
  /** False if the messages of the other nodes have other numbers or names. */
  readonly isExact: boolean;
  /** Sorted by name. */
  readonly nodes: readonly string[];
}

/** The nodes of a run, sorted by name. */
export function nodesInRun(run: Run): readonly NodeInRun[] {
  return sortByName(describeNodes(run));
}

/** The causes in a run, those of failures first, and the frequent ones before the rare ones. */
export const causesOf = onceFor((run: Run): readonly CauseGroup[] => {
  const caused = sortByName(describeNodes(run).filter(({ reason }) => reason !== undefined));
  const states = [...Map.groupBy(caused, ({ state }) => state).values()];
  return states
    .flatMap((nodes) => [...groupByCause(nodes)])
    .flatMap(([cause, nodes]) => groupOf(run, cause, nodes))
    .sort(byWeight);
});

/** The numbers of nodes of a run by their state. */
export const countStates = onceFor((run: Run): Readonly<Record<NodeState, number>> => {
  const counts = { Active: 0, Waiting: 0, Succeeded: 0, Failed: 0, Skipped: 0 };
  for (const progress of run.nodes.values()) counts[stateIn(progress)] += 1;
  return counts;
});

function describeNodes({ nodes }: Run): readonly NodeInRun[] {
  return [...nodes].map(([node, progress]) => nodeInRun(node, progress));
}

function sortByName(nodes: readonly NodeInRun[]): readonly NodeInRun[] {
  return nodes.toSorted((one, other) => compareNames(one.node, other.node));
}

function nodeInRun(node: string, progress: NodeProgress): NodeInRun {
  const cause = progress.state === 'Settled' ? progress : troubleOf(progress);
  return { node, state: stateIn(progress), reason: cause?.reason, message: cause?.message, progress };
}

/** A node counts as active from its first pod on, as in `nodesweep status`. */
function stateIn(progress: NodeProgress): NodeState {
  if (progress.state === 'Settled') return progress.result;
  return progress.attempts > 0 ? 'Active' : 'Waiting';
}

function groupOf(run: Run, cause: string, nodes: readonly NodeInRun[]): CauseGroup[] {
  const [first] = nodes;
  if (first?.reason === undefined) return [];
  return [
    {
      id: `${run.name}-${first.state}-${hash(cause, 10)}`,
      run: run.name,
      policy: run.policy,
      state: first.state,
      reason: first.reason,
      message: first.message,
      isExact: haveSameMessage(nodes),
      nodes: nodes.map(({ node }) => node),
    },
  ];
}

const weights: Readonly<Record<NodeState, number>> = { Failed: 0, Waiting: 1, Active: 2, Succeeded: 3, Skipped: 4 };

export function byWeight(one: CauseGroup, other: CauseGroup): number {
  return weights[one.state] - weights[other.state] || other.nodes.length - one.nodes.length;
}
