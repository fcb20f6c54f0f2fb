import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { CrictlProblem } from './error.ts';

/** One call of crictl, with everything but the subcommand. */
export type CrictlCall = {
  readonly executable: string;
  readonly global: readonly string[];
  /** After so long the process is ended. */
  readonly deadlineSeconds: number;
  /** Ends the process at any time. */
  readonly signal?: AbortSignal;
};

/** The end of a call: an answer, or the reason why there is none. */
export type CrictlEnd = { readonly stdout: string } | { readonly problem: CrictlProblem; readonly cause?: unknown };

export type RunCrictl = (call: CrictlCall, args: readonly string[]) => Promise<CrictlEnd>;

const maxAnswerBytes = 64 * 1024 * 1024;
const tooLong: CrictlProblem = { kind: 'TooLong', bytes: maxAnswerBytes };

/**
 * Runs crictl to its end; never throws. The process leads a group of its own, so that a signal to ours leaves a removal
 * in flight alone, and so that at the deadline whatever it started ends too: a child that holds standard output open would
 * keep us waiting. By hand, since a library for it takes a fifth of the time that a whole run does.
 */
export async function runCrictl(call: CrictlCall, args: readonly string[]): Promise<CrictlEnd> {
  try {
    return await runToEnd(call, args);
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown';
    return { problem: code === 'ENOENT' ? { kind: 'Missing' } : { kind: 'NotExecutable', code }, cause };
  }
}

async function runToEnd(
  { executable, global, deadlineSeconds, signal }: CrictlCall,
  args: readonly string[],
): Promise<CrictlEnd> {
  const child = spawn(executable, [...global, ...args], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let problem: CrictlProblem | undefined;
  const end = (reason?: CrictlProblem) => {
    problem ??= reason;
    killGroup(child.pid);
  };
  const abort = () => end();
  const timer = setTimeout(() => end({ kind: 'TimedOut', seconds: deadlineSeconds }), deadlineSeconds * 1_000);
  signal?.addEventListener('abort', abort);
  const [stdout, stderr] = [collect(child.stdout, () => end(tooLong)), collect(child.stderr, () => end(tooLong))];
  try {
    await once(child, 'close');
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
  if (problem !== undefined) return { problem };
  if (child.signalCode !== null) return { problem: { kind: 'Killed', signal: child.signalCode } };
  if (child.exitCode === 0) return { stdout: stdout.join('') };
  return { problem: { kind: 'Exited', exitCode: child.exitCode ?? -1, stderr: stderr.join('') } };
}

/** The text that a stream has given so far. Bytes kept until its end would be freed long after: lists have megabytes. */
function collect(stream: Readable, onTooLong: () => void): readonly string[] {
  const texts: string[] = [];
  let bytes = 0;
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    bytes += Buffer.byteLength(text);
    if (bytes <= maxAnswerBytes) texts.push(text);
    else onTooLong();
  });
  return texts;
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return;
  try {
    process.kill(-leader, 'SIGKILL');
  } catch {
    // It ended by itself a moment ago.
  }
}
