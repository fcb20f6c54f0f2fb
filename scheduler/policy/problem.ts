/** One thing that is wrong with a policy: where (`rollout.parallelism`, `line 3, column 7`, or empty for the whole) and what. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** A problem in one line. */
export function formatProblem({ path, message }: Problem): string {
  return path === '' ? message : `${path}: ${message}`;
}
