import { execa, type Result } from 'execa';
import type { CrictlProblem } from './crictl-error.ts';

/** One call of crictl, with everything but the subcommand. */
export type CrictlCall = {
  readonly executable: string;
  readonly global: readonly string[];
  /** After so long the process is ended. */
  readonly deadlineSeconds: number;
  /** Ends the process at any time. */
  readonly signal?: AbortSignal;
};

/** How a call ended: with an answer, or why there is none. */
export type CrictlEnd = { readonly stdout: string } | { readonly problem: CrictlProblem; readonly cause?: unknown };

export type RunCrictl = (call: CrictlCall, args: readonly string[]) => Promise<CrictlEnd>;

const maxAnswerBytes = 64 * 1024 * 1024;
const processOptions = { reject: false, detached: true, stdin: 'ignore', maxBuffer: maxAnswerBytes } as const;

/**
 * Runs crictl to its end; never throws. The process leads a group of its own, so that a signal to ours leaves a removal
 * in flight alone, and so that at the deadline whatever it started ends too: a child that holds standard output open would
 * keep us waiting.
 */
export async function runCrictl(
  { executable, global, deadlineSeconds, signal }: CrictlCall,
  args: readonly string[],
): Promise<CrictlEnd> {
  const deadline = new AbortController();
  const subprocess = execa(executable, [...global, ...args], processOptions);
  const kill = () => killGroup(subprocess.pid);
  const timer = setTimeout(() => deadline.abort(), deadlineSeconds * 1_000);
  deadline.signal.addEventListener('abort', kill);
  signal?.addEventListener('abort', kill);
  const result = await subprocess;
  signal?.removeEventListener('abort', kill);
  clearTimeout(timer);
  if (!result.failed) return { stdout: result.stdout };
  const problem = deadline.signal.aborted ? timedOut(deadlineSeconds) : describeEnd(result);
  return { problem, cause: result.cause };
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It ended by itself a moment ago.
  }
}

function timedOut(seconds: number): CrictlProblem {
  return { kind: 'TimedOut', seconds };
}

function describeEnd({ code, isMaxBuffer, signal, exitCode, stderr }: Result<typeof processOptions>): CrictlProblem {
  if (code === 'ENOENT') return { kind: 'Missing' };
  if (isMaxBuffer) return { kind: 'Unreadable', detail: `it is longer than ${maxAnswerBytes} characters` };
  if (signal !== undefined) return { kind: 'Killed', signal };
  if (exitCode !== undefined) return { kind: 'Exited', exitCode, stderr: stderr };
  return { kind: 'NotExecutable', code: code ?? 'unknown' };
}
