import { memoize } from '../../contract/memoize.ts';
import { compareNames } from '../../contract/text.ts';
import type { NodeProblem } from '../run/summary.ts';

/** The nodes of a run on which the same happened. */
export interface Cause {
  readonly result: string;
  readonly reason: string | undefined;
  /** The message of the first of the nodes. */
  readonly message: string | undefined;
  /** False if the messages of the other nodes have other numbers or names. */
  readonly isExact: boolean;
  readonly count: number;
  /** The first nodes by name. */
  readonly nodes: readonly string[];
}

/** More names than a line shows, for programs. */
const maxNodes = 20;

/** Numbers that stand alone: sizes, times, addresses and ports, but no tags and no parts of names. */
const number = /(?<![\w:./@-])\d+(?:\.\d+)*(?::\d+)?/g;

/** Groups the ends of nodes by result and cause. */
export function groupCauses(problems: readonly NodeProblem[]): readonly Cause[] {
  const results = [...Map.groupBy(problems, ({ result }) => result).values()];
  return results
    .flatMap((nodes) => [...groupByCause(nodes).values()])
    .map(describeGroup)
    .sort(byResult);
}

/**
 * Groups nodes by reason and message; the keys are a text of both. Numbers and the name of the node in a message make no
 * difference.
 */
export function groupByCause<Node extends Pick<NodeProblem, 'node' | 'reason' | 'message'>>(
  nodes: readonly Node[],
): ReadonlyMap<string, readonly Node[]> {
  // Most of thousands of nodes have the same message.
  const patternOf = memoize(
    (text: string) => text.replaceAll(number, '#'),
    (text) => text,
  );
  return Map.groupBy(nodes, ({ node, reason, message = '' }) =>
    JSON.stringify([reason, patternOf(withoutName(message, node))]),
  );
}

/** True if all nodes have the same message, to the letter. */
export function haveSameMessage([first, ...others]: readonly Pick<NodeProblem, 'message'>[]): boolean {
  return others.every(({ message }) => message === first?.message);
}

/** The name of the node may be part of other words, in which it stays. */
function withoutName(message: string, node: string): string {
  if (!message.includes(node)) return message;
  return message.replaceAll(/[\w.-]*\w/g, (word) => (word === node ? '#' : word));
}

function describeGroup(problems: readonly NodeProblem[]): Cause {
  const [first] = problems;
  return {
    result: first?.result ?? '',
    reason: first?.reason,
    message: first?.message,
    isExact: haveSameMessage(problems),
    count: problems.length,
    nodes: problems.slice(0, maxNodes).map(({ node }) => node),
  };
}

/** The most frequent causes first, within each result. */
function byResult(a: Cause, b: Cause): number {
  return compareNames(a.result, b.result) || b.count - a.count;
}
