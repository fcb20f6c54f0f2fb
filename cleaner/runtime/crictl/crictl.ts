import type { ImageDetails, RemovalAnswer, Runtime } from '../runtime.ts';
import {
  containerStatusesAnswer,
  containersAnswer,
  filesystemsAnswer,
  imageStatusesAnswer,
  imagesAnswer,
} from './answers.ts';
import { abbreviate, ask, type Caller } from './ask.ts';
import { askAbout, askAboutAll } from './ask-about.ts';
import { CrictlError } from './error.ts';
import { readComplaints } from './messages.ts';
import { type CrictlCall, type RunCrictl, runCrictl } from './process.ts';
import { createSandboxReader, listSandboxes } from './sandboxes.ts';

export type CrictlOptions = {
  /** Path or name of the executable. */
  readonly executable: string;
  /** Such as `unix:///run/containerd/containerd.sock`; crictl looks for one by itself where it is missing. */
  readonly endpoint?: string;
  /** The time that crictl may take for each call of the runtime that reads; the default is 30 s. */
  readonly readSeconds?: number;
  /** The same for each removal, which under load takes far longer than crictl's own default of 2 s; 600 s. */
  readonly removeSeconds?: number;
  /** The further time that the process may live: crictl gives up by itself, and is ended only if it doesn't; 5 s. */
  readonly graceSeconds?: number;
  /** Ends calls that read, when nobody waits for them any more. */
  readonly signal?: AbortSignal;
};

/** Quiet leaves out the whole specification of each, which a runtime would else put together for nothing. */
const containerQuestion = { args: ['inspect', '-q', '-o', 'json'], schema: containerStatusesAnswer };
const imageQuestion = { args: ['inspecti', '-o', 'json'], schema: imageStatusesAnswer };
/** So many IDs in one call keep its answer, which holds the whole configuration of each, to a few megabytes. */
const idsPerCall = 200;
/** Each image that can't be inspected costs a call of its own: after so many, no more are asked about. */
const maxFailures = 50;
/** After so many that hang, the runtime hangs. What is known of an image only informs, so that the others stay unknown. */
const maxSlow = 2;

/** The runtime of a node as crictl shows it, over the runtime's socket. */
export function createCrictl(options: CrictlOptions, run: RunCrictl = runCrictl): Runtime {
  const { signal, readSeconds = 30, removeSeconds = 600 } = options;
  const reading: Caller = { run, call: { ...prepareCall(options, readSeconds), ...(signal && { signal }) } };
  const removing: Caller = { run, call: prepareCall(options, removeSeconds) };
  return {
    listImages: () => ask(reading, ['images', '-o', 'json'], imagesAnswer),
    listContainers: () => ask(reading, ['ps', '-a', '-o', 'json'], containersAnswer),
    inspectContainers: (ids) => askAbout(reading, containerQuestion, ids),
    countReadySandboxes: async () => (await listSandboxes(reading)).filter(({ isReady }) => isReady).length,
    getSandboxImages: createSandboxReader(reading),
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

/** One image that can't be inspected fails the whole call: it is left out, and the others are asked about again. */
async function inspectImages(caller: Caller, ids: readonly string[]): Promise<readonly ImageDetails[]> {
  const details: ImageDetails[] = [];
  let failures = 0;
  let size = idsPerCall;
  for (let left = ids; left.length > 0 && failures < maxFailures; ) {
    const asked = left.slice(0, size);
    try {
      details.push(...(await askAboutAll(caller, imageQuestion, asked)));
      left = left.slice(asked.length);
    } catch (error) {
      const isTooMuch = error instanceof CrictlError && /^(?:TooLong|TimedOut)$/.test(error.problem.kind);
      const culprits = isTooMuch && asked.length === 1 ? asked : findCulprits(error, asked);
      if (isTooMuch && asked.length > 1) size = Math.ceil(asked.length / 2);
      else if (culprits.length === 0) throw error;
      left = left.filter((id) => !culprits.includes(id));
      // One that hangs costs its whole deadline.
      failures += isTooSlow(error) ? maxFailures / maxSlow : 1;
    }
  }
  return details;
}

function isTooSlow(error: unknown): boolean {
  if (!(error instanceof CrictlError)) return false;
  const { problem } = error;
  return problem.kind === 'TimedOut' || (problem.kind === 'Exited' && problem.stderr.includes('DeadlineExceeded'));
}

/** The images that a call failed at; none where it failed for another reason, such as a runtime that is down. */
function findCulprits(error: unknown, ids: readonly string[]): readonly string[] {
  if (!(error instanceof CrictlError) || error.problem.kind !== 'Exited') return [];
  const { stderr } = error.problem;
  if (stderr.includes('code = Unavailable')) return [];
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
