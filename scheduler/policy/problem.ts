import { cutText } from '../../contract/text.ts';

/**
 * A place in a YAML text: the keys that lead to a value of one of its documents (the first one, if `document` is absent), or
 * an offset in UTF-16 code units.
 */
export type Place = { readonly document?: number; readonly keys: readonly PropertyKey[] } | { readonly offset: number };

/** A problem of a policy. */
export interface Problem {
  /** The place of the problem: `rollout.parallelism`, `line 3, column 7`, or empty for the whole document. */
  readonly path: string;
  readonly message: string;
  /** The same place, to find it in the text. Absent if it is the whole text. It is not stored. */
  readonly place?: Place;
}

/** Formats a problem as one line. */
export function formatProblem({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`;
}

/** The maximum number of problems in a status, a condition or an Event. `nodesweep lint` prints all problems. */
const maxProblems = 20;
const maxPathLength = 200;
const maxWordsLength = 400;

/** The first problems with shortened texts. If there are more, the last entry counts them. */
export function briefProblems(problems: readonly Problem[]): Problem[] {
  const first = problems
    .slice(0, maxProblems)
    .map(({ path, message }) => ({ path: cutText(path, maxPathLength), message: cutText(message, maxWordsLength) }));
  const others = problems.length - first.length;
  return others === 0 ? first : [...first, { path: '', message: countOthers(others) }];
}

/** The problems that fit into a text of `maxLength` (100 or more) characters, and the number of the others. */
export function listProblems(problems: readonly Problem[], maxLength: number): string {
  const room = maxLength - '; and 999,999 more'.length;
  let text = '';
  let count = 0;
  for (const problem of problems.slice(0, maxProblems)) {
    const line = cutText(formatProblem(problem), Math.min(room, maxWordsLength));
    const longer = text === '' ? line : `${text}; ${line}`;
    if (longer.length > room) break;
    text = longer;
    count += 1;
  }
  return count === problems.length ? text : `${text}; ${countOthers(problems.length - count)}`;
}

function countOthers(count: number): string {
  return `and ${count.toLocaleString('en-US')} more`;
}
