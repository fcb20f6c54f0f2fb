import { execa, type Result } from 'execa';
import type * as z from 'zod';
import {
  containerStatusesAnswer,
  containersAnswer,
  filesystemsAnswer,
  imageStatusesAnswer,
  imagesAnswer,
  infoAnswer,
  readAnswer,
  sandboxesAnswer,
} from './crictl-answers.ts';
import { CrictlError, type CrictlProblem } from './crictl-error.ts';
import { readComplaints } from './crictl-messages.ts';
import type { RemovalAnswer, Runtime } from './runtime.ts';

export type CrictlOptions = {
  /** Path or name of the executable. */
  readonly executable: string;
  /** Such as `unix:///run/containerd/containerd.sock`; crictl looks for one by itself where it is missing. */
  readonly endpoint?: string;
  /** How long crictl may take for each call of the runtime that reads; the default is 30 s. */
  readonly readSeconds?: number;
  /** The same for each removal, which under load takes far longer than crictl's own default of 2 s; 600 s. */
  readonly removeSeconds?: number;
  /** How much longer the process may live: crictl gives up by itself, and is ended only if it doesn't; 5 s. */
  readonly graceSeconds?: number;
};

/** So many IDs in one call keep its answer, which holds the whole configuration of each, to a few megabytes. */
const idsPerCall = 200;
const maxAnswerBytes = 64 * 1024 * 1024;
const processOptions = { reject: false, detached: true, stdin: 'ignore', maxBuffer: maxAnswerBytes } as const;

type Call = { readonly executable: string; readonly global: readonly string[]; readonly deadlineSeconds: number };
type Ended = { readonly stdout: string } | { readonly problem: CrictlProblem; readonly cause: unknown };

/** The runtime of a node as crictl shows it, over the runtime's socket. */
export function createCrictl(options: CrictlOptions): Runtime {
  const reading = prepareCall(options, options.readSeconds ?? 30);
  const removing = prepareCall(options, options.removeSeconds ?? 600);
  return {
    listImages: () => ask(reading, ['images', '-o', 'json'], imagesAnswer),
    listContainers: () => ask(reading, ['ps', '-a', '-o', 'json'], containersAnswer),
    inspectContainers: (ids) => askAbout(reading, ['inspect', '-o', 'json'], ids, containerStatusesAnswer),
    countReadySandboxes: async () => {
      const states = await ask(reading, ['pods', '-o', 'json'], sandboxesAnswer);
      return states.filter((state) => state === 'SANDBOX_READY').length;
    },
    getSandboxImage: () => ask(reading, ['info', '-o', 'json'], infoAnswer),
    inspectImages: (ids) => askAbout(reading, ['inspecti', '-o', 'json'], ids, imageStatusesAnswer),
    getImageFilesystems: () => ask(reading, ['imagefsinfo', '-o', 'json'], filesystemsAnswer),
    removeImages: (ids) => remove(removing, ids),
  };
}

function prepareCall({ executable, endpoint, graceSeconds = 5 }: CrictlOptions, seconds: number): Call {
  const address = endpoint?.startsWith('/') ? `unix://${endpoint}` : endpoint;
  const endpoints = address ? ['-r', address, '-i', address] : [];
  return { executable, global: ['-t', `${seconds}s`, ...endpoints], deadlineSeconds: seconds + graceSeconds };
}

async function ask<T extends z.ZodType>(call: Call, args: readonly string[], schema: T): Promise<z.output<T>> {
  const ended = await run(call, args);
  const fail = (problem: CrictlProblem, cause?: unknown) =>
    new CrictlError(call.executable, abbreviate(args), problem, { cause });
  if ('problem' in ended) throw fail(ended.problem, ended.cause);
  const read = readAnswer(ended.stdout, schema);
  if ('flaw' in read) throw fail({ kind: 'Unreadable', detail: read.flaw });
  return read.answer;
}

async function askAbout<T>(
  call: Call,
  args: readonly string[],
  ids: readonly string[],
  schema: z.ZodType<readonly (T & { readonly id: string })[]>,
): Promise<readonly (T & { readonly id: string })[]> {
  const answers = [];
  for (let from = 0; from < ids.length; from += idsPerCall) {
    const asked = ids.slice(from, from + idsPerCall);
    const answered = await ask(call, [...args, ...asked], schema);
    const missing = asked.find((id) => !answered.some((answer) => answer.id === id));
    if (missing !== undefined) {
      const detail = `it says nothing of ${missing}`;
      throw new CrictlError(call.executable, abbreviate(args), { kind: 'Unreadable', detail });
    }
    answers.push(...answered);
  }
  return answers;
}

async function remove(call: Call, ids: readonly string[]): Promise<RemovalAnswer> {
  const ended = await run(call, ['rmi', ...ids]);
  if (!('problem' in ended)) return { timedOut: false, complaints: [] };
  const { problem } = ended;
  if (problem.kind !== 'Exited') {
    const { message } = new CrictlError(call.executable, abbreviate(['rmi', ...ids]), problem);
    return { timedOut: problem.kind === 'TimedOut', complaints: [{ message }] };
  }
  return { timedOut: problem.stderr.includes('DeadlineExceeded'), complaints: readComplaints(problem.stderr, ids) };
}

/**
 * The process leads a group of its own, so that a signal to ours leaves a removal in flight alone, and so that at the
 * deadline whatever it started ends too: a child that holds standard output open would keep us waiting.
 */
async function run({ executable, global, deadlineSeconds }: Call, args: readonly string[]): Promise<Ended> {
  const deadline = new AbortController();
  const subprocess = execa(executable, [...global, ...args], processOptions);
  const timer = setTimeout(() => {
    deadline.abort();
    killGroup(subprocess.pid);
  }, deadlineSeconds * 1_000);
  const result = await subprocess;
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

/** For messages: hundreds of IDs tell no more than their number. */
function abbreviate(args: readonly string[]): readonly string[] {
  const shown = args.filter((arg) => !/^[0-9a-f:a-z]{0,7}[0-9a-f]{32,}$/.test(arg));
  return shown.length === args.length ? args : [...shown, `(${args.length - shown.length} IDs)`];
}
