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

/** Groups the ends of nodes by result, reason, and message. Numbers and the name of the node in a message make no difference. */
export function groupCauses(problems: readonly NodeProblem[]): readonly Cause[] {
  const groups = Map.groupBy(problems, ({ node, result, reason, message = '' }) =>
    JSON.stringify([result, reason, withoutName(message, node).replaceAll(number, '#')]),
  );
  return [...groups.values()].map(describeGroup).sort(byResult);
}

/** The name of the node may be part of other words, in which it stays. */
function withoutName(message: string, node: string): string {
  return message.replaceAll(/[\w.-]*\w/g, (word) => (word === node ? '#' : word));
}

function describeGroup(problems: readonly NodeProblem[]): Cause {
  const [first] = problems;
  return {
    result: first?.result ?? '',
    reason: first?.reason,
    message: first?.message,
    isExact: problems.every(({ message }) => message === first?.message),
    count: problems.length,
    nodes: problems.slice(0, maxNodes).map(({ node }) => node),
  };
}

/** The most frequent causes first, within each result. */
function byResult(a: Cause, b: Cause): number {
  return a.result.localeCompare(b.result) || b.count - a.count;
}
