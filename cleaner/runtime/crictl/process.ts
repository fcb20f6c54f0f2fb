import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import type { CrictlProblem } from './error.ts';

/** The parameters of a call of crictl. */
export type CrictlCall = {
  readonly executable: string;
  readonly global: readonly string[];
  /** The time after which the process is ended. */
  readonly deadlineSeconds: number;
  /** Ends the process at any time. */
  readonly signal?: AbortSignal;
};

/** The end of a call: an answer, or a problem. */
export type CrictlEnd = { readonly stdout: string } | { readonly problem: CrictlProblem; readonly cause?: unknown };

export type RunCrictl = (call: CrictlCall, args: readonly string[]) => Promise<CrictlEnd>;

const maxAnswerBytes = 64 * 1024 * 1024;
const tooLong: CrictlProblem = { kind: 'TooLong', bytes: maxAnswerBytes };

/**
 * Runs crictl to its end. Never throws. The process has its own process group: a signal to the cleaner does not end a
 * removal, and at the deadline the children of crictl end too, which would otherwise keep standard output open. It uses no
 * library, because loading one takes a fifth of the time of a whole run.
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

/** Collects the text of a stream piece by piece, because the bytes of a long list would be freed late. */
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
    // The process has just ended by itself.
  }
}
