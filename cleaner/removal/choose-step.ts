import { messageOf } from '../../contract/errors.ts';
import type { Plan } from '../plan/plan.ts';
import { type Look, presentIds } from '../runtime/inventory.ts';
import { StopRequest, untilStopped } from '../stop.ts';
import { selectBatch } from './batch-size.ts';
import { checkLandmarks, takeLandmarks } from './lost-images.ts';
import type { JudgedTask, Progress, RemovalPorts, Task } from './progress.ts';
import { measureNeed, SpaceNotFreedError } from './space-needed.ts';
import { hasTimedOut, type StopReason } from './verify.ts';

export type WhySpared = 'BelowThreshold' | 'OverLimit';

/** The next step of a run: end it, keep the images that need not or may not be removed, or remove a batch. */
export type Step =
  | { readonly kind: 'Stop'; readonly reason: StopReason; readonly message: string }
  | { readonly kind: 'Spare'; readonly why: WhySpared }
  | { readonly kind: 'Batch'; readonly tasks: readonly JudgedTask[] };

/** Maximum number of consecutive batches without any answer. After them the runtime counts as hung. */
const maxSilentBatches = 4;
const hanging = {
  reason: 'RuntimeHangs',
  message: `the runtime did not answer the removals of ${maxSilentBatches} consecutive batches: check whether it hangs`,
} as const;

/** Chooses the next step. Never throws: an error of a port stops the run. */
export async function chooseStep(
  progress: Progress,
  plan: Plan,
  ports: RemovalPorts,
  signal: AbortSignal,
): Promise<Step> {
  try {
    signal.throwIfAborted();
    if (progress.silentBatches >= maxSilentBatches) return { kind: 'Stop', ...hanging };
    const places = countPlaces(progress, plan);
    if (places <= 0) return { kind: 'Spare', why: 'OverLimit' };
    const needBytes = await untilStopped(() => measureExcess(progress, plan, ports, signal), signal);
    const tasks = selectBatch(progress.queue, needBytes, Math.min(progress.batchSize, places, countTogether(progress)));
    if (tasks.length === 0) return { kind: 'Spare', why: 'BelowThreshold' };
    const isOutdated = await ports.throttle(signal);
    const earlier = progress.look && judgeTasks(tasks, progress.look, progress, ports);
    if (earlier !== undefined && !isOutdated) return { kind: 'Batch', tasks: earlier };
    progress.look = undefined;
    const look = await untilStopped(ports.readLook, signal);
    return { kind: 'Batch', tasks: judgeTasks(tasks, look, progress, ports) };
  } catch (error) {
    return { kind: 'Stop', reason: reasonOf(error), message: messageOf(error) };
  }
}

/** A removal that timed out is tried again alone, after all others, so that no other removal times out with it. */
function countTogether({ queue }: Progress): number {
  const first = queue.findIndex(({ earlier }) => earlier !== undefined && hasTimedOut(earlier));
  return first === -1 ? queue.length : Math.max(1, first);
}

/** The number of images at the front of the queue that the limits of the plan still allow. */
function countPlaces({ queue, removed, removedBytes }: Progress, { maxRemovals, maxRemovedBytes }: Plan): number {
  const places = (maxRemovals ?? Number.POSITIVE_INFINITY) - removed;
  if (maxRemovedBytes === undefined) return places;
  let leftBytes = maxRemovedBytes - removedBytes;
  const fitting = queue.findIndex(({ removal }) => {
    leftBytes -= removal.image.sizeBytes;
    return leftBytes < 0;
  });
  return fitting === -1 ? places : Math.min(places, fitting);
}

/** The bytes to free; undefined if usage doesn't matter, because there are no thresholds. */
async function measureExcess(
  { queue }: Progress,
  { untilPercent }: Plan,
  ports: RemovalPorts,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (untilPercent === undefined || ports.space === undefined) return undefined;
  // A batch that starts with an image that is removed at any usage has only such images.
  if (queue[0]?.removal.always) return 0;
  return measureNeed(untilPercent, ports.space, ports, signal);
}

const unreadable = {
  kind: 'skipped',
  reason: 'ImageUnreadable',
  message: "its entry in the list of images can't be understood any more, so it is kept",
} as const;

/** Judges tasks by a look. Every look must be judged, even an outdated one, because the judge remembers what it shows. */
function judgeTasks(
  tasks: readonly Task[],
  look: Look,
  progress: Progress,
  { judgeOn }: RemovalPorts,
): readonly JudgedTask[] {
  checkLandmarks(progress.landmarks, presentIds(look), progress.asked);
  progress.landmarks = takeLandmarks(look);
  progress.asked = [];
  const judge = judgeOn(look);
  const present = new Map(look.images.map((image) => [image.id, image]));
  return tasks.map((task) => {
    const { id } = task.removal.image;
    if (look.unreadable?.has(id)) return { task, kept: unreadable };
    const image = present.get(id);
    const kept = image && judge(image);
    if (image === undefined || kept === undefined) return { task, ...(image && { image }) };
    return { task, image, kept: { kind: 'skipped', reason: kept.reason, message: kept.message } };
  });
}

function reasonOf(error: unknown): StopReason {
  if (error instanceof StopRequest) return error.reason;
  return error instanceof SpaceNotFreedError ? 'SpaceNotFreed' : 'UsageUnreadable';
}
