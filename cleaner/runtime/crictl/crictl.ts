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
import { type CrictlOptions, defaultReadSeconds, lists, prepareReading, prepareRemoving } from './call.ts';
import { CrictlError, type CrictlProblem } from './error.ts';
import { readComplaints } from './messages.ts';
import { callPatiently } from './patient.ts';
import { type RunCrictl, runCrictl } from './process.ts';
import { createSandboxReader, listSandboxes } from './sandboxes.ts';

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
  const { readSeconds = defaultReadSeconds, maxReadSeconds = 4 * readSeconds } = options;
  const reading: Caller = { run: callPatiently(run, readSeconds, maxReadSeconds), call: prepareReading(options) };
  const removing: Caller = { run, call: prepareRemoving(options) };
  return {
    listImages: () => ask(reading, lists.images, imagesAnswer),
    listContainers: () => ask(reading, lists.containers, containersAnswer),
    inspectContainers: (ids) => askAbout(reading, containerQuestion, ids),
    countReadySandboxes: async () => (await listSandboxes(reading)).filter(({ isReady }) => isReady).length,
    getSandboxImages: createSandboxReader(reading),
    inspectImages: (ids) => inspectImages(reading, ids),
    getImageFilesystems: () => ask(reading, lists.filesystems, filesystemsAnswer),
    removeImages: (ids, _, ends) => remove(removing, ids, ends?.giveUp),
  };
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

/** A call that is given up is ended: the runtime may go on for itself. */
async function remove({ run, call }: Caller, ids: readonly string[], giveUp?: AbortSignal): Promise<RemovalAnswer> {
  const ended = await run({ ...call, ...(giveUp && { signal: giveUp }) }, ['rmi', ...ids]);
  if (!('problem' in ended)) return { timedOut: false, complaints: [] };
  const problem: CrictlProblem = giveUp?.aborted ? { kind: 'Interrupted' } : ended.problem;
  if (problem.kind !== 'Exited') {
    const { message } = new CrictlError(call.executable, abbreviate(['rmi', ...ids]), problem);
    return { timedOut: problem.kind === 'TimedOut' || problem.kind === 'Interrupted', complaints: [{ message }] };
  }
  return { timedOut: problem.stderr.includes('DeadlineExceeded'), complaints: readComplaints(problem.stderr, ids) };
}
