import type * as z from 'zod';
import type { ImageDetails, RemovalAnswer, Runtime } from '../runtime.ts';
import {
  containerStatusesAnswer,
  containersAnswer,
  filesystemsAnswer,
  imageStatusesAnswer,
  imagesAnswer,
  infoAnswer,
  readAnswer,
  sandboxesAnswer,
} from './answers.ts';
import { CrictlError, type CrictlProblem } from './error.ts';
import { readComplaints } from './messages.ts';
import { type CrictlCall, type RunCrictl, runCrictl } from './process.ts';

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
  /** Ends calls that read, when nobody waits for them any more. */
  readonly signal?: AbortSignal;
};

/** So many IDs in one call keep its answer, which holds the whole configuration of each, to a few megabytes. */
const idsPerCall = 200;
/** Each image that can't be inspected costs a call of its own: after so many, no more are asked about. */
const maxFailures = 50;

/** A way to call crictl: with the deadline of the calls that read, or of those that remove. */
type Caller = { readonly run: RunCrictl; readonly call: CrictlCall };

/** The runtime of a node as crictl shows it, over the runtime's socket. */
export function createCrictl(options: CrictlOptions, run: RunCrictl = runCrictl): Runtime {
  const { signal, readSeconds = 30, removeSeconds = 600 } = options;
  const reading: Caller = { run, call: { ...prepareCall(options, readSeconds), ...(signal && { signal }) } };
  const removing: Caller = { run, call: prepareCall(options, removeSeconds) };
  return {
    listImages: () => ask(reading, ['images', '-o', 'json'], imagesAnswer),
    listContainers: () => ask(reading, ['ps', '-a', '-o', 'json'], containersAnswer),
    // Quiet leaves out the whole specification of each, which a runtime would else put together for nothing.
    inspectContainers: (ids) => askAbout(reading, ['inspect', '-q', '-o', 'json'], ids, containerStatusesAnswer),
    countReadySandboxes: async () => {
      const states = await ask(reading, ['pods', '-o', 'json'], sandboxesAnswer);
      return states.filter((state) => state === 'SANDBOX_READY').length;
    },
    getSandboxImage: () => ask(reading, ['info', '-o', 'json'], infoAnswer),
    inspectImages: (ids) => inspectImages(reading, ids),
    getImageFilesystems: () => ask(reading, ['imagefsinfo', '-o', 'json'], filesystemsAnswer),
    removeImages: (ids) => remove(removing, ids),
  };
}

function prepareCall({ executable, endpoint, graceSeconds = 5 }: CrictlOptions, seconds: number): CrictlCall {
  const address = endpoint?.startsWith('/') ? `unix://${endpoint}` : endpoint;
  const endpoints = address ? ['-r', address, '-i', address] : [];
  return { executable, global: ['-t', `${seconds}s`, ...endpoints], deadlineSeconds: seconds + graceSeconds };
}

async function ask<T extends z.ZodType>(
  { run, call }: Caller,
  args: readonly string[],
  schema: T,
): Promise<z.output<T>> {
  const ended = await run(call, args);
  const fail = (problem: CrictlProblem, cause?: unknown) =>
    new CrictlError(call.executable, abbreviate(args), problem, { cause });
  if ('problem' in ended) throw fail(ended.problem, ended.cause);
  const read = readAnswer(ended.stdout, schema);
  if ('flaw' in read) throw fail({ kind: 'Unreadable', detail: read.flaw });
  return read.answer;
}

/** Asks about objects, so many in a call, and about all of them: an answer that leaves one out fails. */
async function askAbout<T extends { readonly id: string }>(
  caller: Caller,
  args: readonly string[],
  ids: readonly string[],
  schema: z.ZodType<readonly T[]>,
): Promise<readonly T[]> {
  const answers: T[] = [];
  for (let from = 0; from < ids.length; from += idsPerCall) {
    const asked = ids.slice(from, from + idsPerCall);
    const answered = await ask(caller, [...args, ...asked], schema);
    const known = new Set(answered.map(({ id }) => id));
    const missing = asked.find((id) => !known.has(id));
    if (missing !== undefined) {
      const detail = `it says nothing of ${missing}`;
      throw new CrictlError(caller.call.executable, abbreviate(args), { kind: 'Unreadable', detail });
    }
    answers.push(...answered);
  }
  return answers;
}

/** One image that can't be inspected fails the whole call: it is left out, and the others are asked about again. */
async function inspectImages(caller: Caller, ids: readonly string[]): Promise<readonly ImageDetails[]> {
  const details: ImageDetails[] = [];
  let failures = 0;
  for (let left = ids; left.length > 0 && failures < maxFailures; ) {
    const asked = left.slice(0, idsPerCall);
    try {
      details.push(...(await askAbout(caller, ['inspecti', '-o', 'json'], asked, imageStatusesAnswer)));
      left = left.slice(asked.length);
    } catch (error) {
      const culprits = findCulprits(error, asked);
      if (culprits.length === 0) throw error;
      left = left.filter((id) => !culprits.includes(id));
      failures++;
    }
  }
  return details;
}

/** The images that a call failed at; none where it failed for another reason, such as a runtime that is down. */
function findCulprits(error: unknown, ids: readonly string[]): readonly string[] {
  if (!(error instanceof CrictlError) || error.problem.kind !== 'Exited') return [];
  const { stderr } = error.problem;
  if (/code = (?:DeadlineExceeded|Unavailable)/.test(stderr)) return [];
  return readComplaints(stderr, ids).flatMap(({ imageId }) => imageId ?? []);
}

async function remove({ run, call }: Caller, ids: readonly string[]): Promise<RemovalAnswer> {
  const ended = await run(call, ['rmi', ...ids]);
  if (!('problem' in ended)) return { timedOut: false, complaints: [] };
  const { problem } = ended;
  if (problem.kind !== 'Exited') {
    const { message } = new CrictlError(call.executable, abbreviate(['rmi', ...ids]), problem);
    return { timedOut: problem.kind === 'TimedOut', complaints: [{ message }] };
  }
  return { timedOut: problem.stderr.includes('DeadlineExceeded'), complaints: readComplaints(problem.stderr, ids) };
}

/** For messages: hundreds of IDs tell no more than their number. */
function abbreviate(args: readonly string[]): readonly string[] {
  const shown = args.filter((arg) => !/^[0-9a-f:a-z]{0,7}[0-9a-f]{32,}$/.test(arg));
  return shown.length === args.length ? args : [...shown, `(${args.length - shown.length} IDs)`];
}
