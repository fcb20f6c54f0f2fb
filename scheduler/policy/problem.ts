/** A problem of a policy, and its place: `rollout.parallelism`, `line 3, column 7`, or empty for the whole document. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Formats a problem as one line. */
export function formatProblem({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`;
}

/** So many problems are told where they are stored or sent; `nodesweep lint` tells all. */
const maxProblems = 20;
const maxPathLength = 200;
const maxWordsLength = 400;

/** The first problems, with their texts cut, and a last one that tells how many others there are. */
export function briefProblems(problems: readonly Problem[]): Problem[] {
  const first = problems
    .slice(0, maxProblems)
    .map(({ path, message }) => ({ path: cutText(path, maxPathLength), message: cutText(message, maxWordsLength) }));
  const others = problems.length - first.length;
  return others === 0 ? first : [...first, { path: '', message: countOthers(others) }];
}

/** The problems that fit into so many characters (100 or more) in one text, and how many others there are. */
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

/** A text of at most so many UTF-16 code units, which shows that something is cut off. */
export function cutText(text: string, maxLength: number): string {
  // A character that is cut in half would be none.
  return text.length > maxLength ? `${text.slice(0, maxLength - 1).toWellFormed()}…` : text;
}

function countOthers(count: number): string {
  return `and ${count.toLocaleString('en-US')} more`;
}
