import { lastLine } from '../../../contract/crictl-log.ts';

export type CrictlProblem =
  | { readonly kind: 'Missing' }
  | { readonly kind: 'NotExecutable'; readonly code: string }
  | { readonly kind: 'TimedOut'; readonly seconds: number }
  /** The run ended before there was an answer. */
  | { readonly kind: 'Interrupted' }
  | { readonly kind: 'Killed'; readonly signal: string }
  | { readonly kind: 'Exited'; readonly exitCode: number; readonly stderr: string }
  | { readonly kind: 'TooLong'; readonly bytes: number }
  | { readonly kind: 'Unreadable'; readonly detail: string };

/** A call of crictl without a reliable answer. The message names the call, and says what an operator can do. */
export class CrictlError extends Error {
  override readonly name = 'CrictlError';
  readonly problem: CrictlProblem;

  constructor(executable: string, args: readonly string[], problem: CrictlProblem, options?: ErrorOptions) {
    super(describeProblem(executable, `crictl ${args.join(' ')}`, problem), options);
    this.problem = problem;
  }
}

/** True if the runtime did not answer in time: either crictl gave up, or its process was ended. */
export function hasRunOutOfTime(problem: CrictlProblem): boolean {
  return problem.kind === 'TimedOut' || (problem.kind === 'Exited' && problem.stderr.includes('DeadlineExceeded'));
}

function describeProblem(executable: string, call: string, problem: CrictlProblem): string {
  switch (problem.kind) {
    case 'Missing':
      return `${executable} was not found: install crictl, or set CRICTL to the path of the executable`;
    case 'NotExecutable':
      return `${executable} can't be executed (${problem.code}): make it executable and for this architecture, or set CRICTL to another`;
    case 'TimedOut':
      return `"${call}" gave no answer within ${problem.seconds} s: check whether the container runtime hangs`;
    case 'Interrupted':
      return `"${call}" gave no answer within the time that a stop leaves: check whether the container runtime hangs`;
    case 'Killed':
      return `"${call}" was ended by ${problem.signal}: check the node for a lack of memory`;
    case 'Exited':
      return `"${call}" ended with exit code ${problem.exitCode}: ${lastLine(problem.stderr)}; check CONTAINER_RUNTIME_ENDPOINT and that the container runtime is up`;
    case 'TooLong':
      return `"${call}" gave an answer that can't be relied on (it is longer than ${problem.bytes} bytes): check what the container runtime lists`;
    case 'Unreadable':
      return `"${call}" gave an answer that can't be relied on (${problem.detail}): check that CRICTL is crictl 1.24 or newer and fits the runtime`;
    default:
      return problem satisfies never;
  }
}
