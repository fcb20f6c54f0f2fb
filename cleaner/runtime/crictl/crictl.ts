import { firstDeadline } from '../growing-deadline.ts';
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
import { type CrictlOptions, lists, prepareReading, prepareRemoving } from './call.ts';
import { CrictlError, type CrictlProblem, hasRunOutOfTime } from './error.ts';
import { withListDeadlines } from './list-deadlines.ts';
import { readComplaints } from './messages.ts';
import { type RunCrictl, runCrictl } from './process.ts';
import { createSandboxReader, listSandboxes } from './sandboxes.ts';

/** With -q the answer lacks the specification of each container, which is large and not needed. */
const containerQuestion = { args: ['inspect', '-q', '-o', 'json'], schema: containerStatusesAnswer };
const imageQuestion = { args: ['inspecti', '-o', 'json'], schema: imageStatusesAnswer };
/** Maximum number of IDs in a call, so that its answer has only a few megabytes: it has the whole configuration of each. */
const idsPerCall = 200;
/** Maximum number of images that can't be inspected, because each of them takes one more call. The others stay unknown. */
const maxFailures = 50;
/** Maximum number of images for which the runtime hangs, because each takes the whole deadline. The others stay unknown. */
const maxSlow = 2;

/** The runtime of a node, which crictl calls over its socket. */
export function createCrictl(options: CrictlOptions, run: RunCrictl = runCrictl): Runtime {
  const { maxReadSeconds } = options;
  const firstSeconds = firstDeadline(options.readSeconds, maxReadSeconds);
  const reading: Caller = { run: withListDeadlines(run, firstSeconds, maxReadSeconds), call: prepareReading(options) };
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

/** Omits images that can't be inspected. A single one fails the whole call, so the others are read again without it. */
async function inspectImages(caller: Caller, ids: readonly string[]): Promise<readonly ImageDetails[]> {
  const details: ImageDetails[] = [];
  let failures = 0;
  let size = idsPerCall;
  for (let left = ids; left.length > 0 && failures < maxFailures; ) {
    const asked = left.slice(0, size);
    try {
      const answered = await askAboutAll(caller, imageQuestion, asked);
      details.push(...answered.filter(({ isUnreadable }) => !isUnreadable));
      left = left.slice(asked.length);
    } catch (error) {
      const isTooMuch = error instanceof CrictlError && /^(?:TooLong|TimedOut)$/.test(error.problem.kind);
      const culprits = isTooMuch && asked.length === 1 ? asked : findCulprits(error, asked);
      if (isTooMuch && asked.length > 1) size = Math.ceil(asked.length / 2);
      else if (culprits.length === 0) throw error;
      left = left.filter((id) => !culprits.includes(id));
      failures += error instanceof CrictlError && hasRunOutOfTime(error.problem) ? maxFailures / maxSlow : 1;
    }
  }
  return details;
}

/** The images for which a call failed; empty if it failed for another reason, such as a runtime that is down. */
function findCulprits(error: unknown, ids: readonly string[]): readonly string[] {
  if (!(error instanceof CrictlError) || error.problem.kind !== 'Exited') return [];
  const { stderr } = error.problem;
  if (stderr.includes('code = Unavailable')) return [];
  return readComplaints(stderr, ids).flatMap(({ imageId }) => imageId ?? []);
}

/** Ends the call when `giveUp` is aborted. The runtime may still remove images. */
async function remove({ run, call }: Caller, ids: readonly string[], giveUp?: AbortSignal): Promise<RemovalAnswer> {
  const ended = await run({ ...call, ...(giveUp && { signal: giveUp }) }, ['rmi', ...ids]);
  if (!('problem' in ended)) return { timedOut: false, complaints: [] };
  const problem: CrictlProblem = giveUp?.aborted ? { kind: 'Interrupted' } : ended.problem;
  if (problem.kind !== 'Exited') {
    const { message } = new CrictlError(call.executable, abbreviate(['rmi', ...ids]), problem);
    return { timedOut: problem.kind === 'TimedOut' || problem.kind === 'Interrupted', complaints: [{ message }] };
  }
  return { timedOut: hasRunOutOfTime(problem), complaints: readComplaints(problem.stderr, ids) };
}
