import { messageOf } from '../../contract/errors.ts';
import { type Look, presentIds } from '../runtime/inventory.ts';
import type { Image, RemovalAnswer } from '../runtime/runtime.ts';
import { untilStopped } from '../stop.ts';
import { nextBatchSize } from './batch-size.ts';
import { checkLandmarks } from './lost-images.ts';
import type { JudgedTask, Progress, RemovalPorts, Task } from './progress.ts';
import { hasTimedOut, judgeRemoval, mayBeGone, type Outcome, type RemovalResult } from './verify.ts';

/**
 * Carries out a batch. Returns the final results, and puts removals that are worth another attempt back into the queue: at
 * its front if they lacked space and the batch has freed some, otherwise at its end.
 */
export async function takeBatch(
  tasks: readonly JudgedTask[],
  progress: Progress,
  ports: RemovalPorts,
  signal: AbortSignal,
): Promise<readonly RemovalResult[]> {
  const goesOn = tasks.length < progress.queue.length && !signal.aborted;
  // A look is large, and the next one needs its memory.
  progress.look = undefined;
  const startedAt = ports.monotonicMs();
  const { tried, notAsked } = await removeBatch(tasks, progress, ports, { goesOn, signal });
  progress.silentBatches =
    tried.length > 0 && tried.every(({ outcome }) => hasTimedOut(outcome)) ? progress.silentBatches + 1 : 0;
  progress.batchSize = nextBatchSize(progress.batchSize, tasks.length, ports.monotonicMs() - startedAt);
  for (const { removal } of tried.filter(({ outcome }) => mayBeGone(outcome))) {
    progress.removed++;
    progress.removedBytes += removal.image.sizeBytes;
    ports.space?.expect(removal.freesBytes);
  }
  const retries = tried.filter(isWorthRetrying);
  const isSpaceFreed = tried.some(({ outcome }) => outcome.kind === 'removed');
  const isNext = (attempt: Attempt) => isSpaceFreed && lackedSpace(attempt);
  progress.queue = [
    ...retries.filter(isNext).map(toTask),
    ...notAsked,
    ...progress.queue.slice(tasks.length),
    ...retries.filter((attempt) => !isNext(attempt)).map(toTask),
  ];
  return tried.filter((attempt) => !isWorthRetrying(attempt));
}

function toTask({ removal, outcome }: Attempt): Task {
  return { removal, earlier: outcome };
}

const removed = { kind: 'removed' } as const;

type Attempt = RemovalResult & { readonly isRetry: boolean };

type Conditions = { readonly goesOn: boolean; readonly signal: AbortSignal };

async function removeBatch(
  tasks: readonly JudgedTask[],
  progress: Progress,
  ports: RemovalPorts,
  conditions: Conditions,
): Promise<{ readonly tried: readonly Attempt[]; readonly notAsked: readonly Task[] }> {
  const free = tasks.flatMap(({ image, kept }) => (image === undefined || kept !== undefined ? [] : [image]));
  const judge = free.length === 0 ? undefined : await removeAndLook(free, progress, ports, conditions);
  const judged = tasks.map(({ task, image, kept }) => {
    if (kept !== undefined) return { task, outcome: kept };
    return { task, outcome: image === undefined ? removed : judge?.(image.id) };
  });
  return {
    tried: judged.flatMap(({ task: { removal, earlier }, outcome }): Attempt[] =>
      outcome === undefined ? [] : [{ removal, outcome, isRetry: earlier !== undefined }],
    ),
    notAsked: judged.flatMap(({ task, outcome }) => (outcome === undefined ? [task] : [])),
  };
}

/**
 * Requests removals, and returns a function that gives the outcome of each image; undefined if its removal was not
 * requested. If the look afterwards is implausible, or takes too long after a stop, the outcomes are unknown.
 */
async function removeAndLook(
  images: readonly Image[],
  progress: Progress,
  ports: RemovalPorts,
  { goesOn, signal }: Conditions,
): Promise<(id: string) => Outcome | undefined> {
  const ids = images.map(({ id }) => id);
  const mayUntag = new Map(images.filter(ports.mayLoseAllNames).map(({ id, names }) => [id, names]));
  const ends = { stop: signal, giveUp: ports.giveUp.removal };
  const answer: RemovalAnswer = await ports.runtime.removeImages(ids, mayUntag, ends);
  const notAsked = new Set(answer.notAsked);
  progress.asked = ids.filter((id) => !notAsked.has(id));
  try {
    const after =
      goesOn && !signal.aborted ? await untilStopped(() => readForNext(ports), ports.giveUp.look) : undefined;
    const images = after ?? { images: await untilStopped(ports.runtime.listImages, ports.giveUp.look) };
    const present = presentIds(images);
    checkLandmarks(progress.landmarks, present, progress.asked);
    progress.look = after;
    return (id) => (notAsked.has(id) ? undefined : judgeRemoval(id, answer, present.has(id)));
  } catch (error) {
    const message = `its removal was requested, but the list afterwards can't be read or is wrong: ${messageOf(error)}`;
    return (id) => (notAsked.has(id) ? undefined : { kind: 'unknown', reason: 'LookFailed', message });
  }
}

/** Undefined if usage can't be read. The list of images may still be readable, and the next batch reads usage again. */
async function readForNext({ readLook }: RemovalPorts): Promise<Look | undefined> {
  try {
    return await readLook();
  } catch {
    return undefined;
  }
}

/** On a full disk a runtime may be unable to record a removal, until other removals have freed space. */
const noSpace = /no space left on device/i;

function isWorthRetrying(attempt: Attempt): boolean {
  return !attempt.isRetry && (hasTimedOut(attempt.outcome) || lackedSpace(attempt));
}

function lackedSpace({ outcome }: Attempt): boolean {
  return outcome.kind === 'failed' && noSpace.test(outcome.message);
}
