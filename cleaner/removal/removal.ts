import type { Judge, Kept } from '../plan/judge.ts';
import { keepBelowThreshold, keepOverLimit, type Plan } from '../plan/plan.ts';
import type { Removal } from '../plan/removal-order.ts';
import type { Look, ReadLook } from '../runtime/inventory.ts';
import type { Image, RemovalAnswer, Runtime } from '../runtime/runtime.ts';
import { StopRequest, untilStopped } from '../stop.ts';
import { firstBatchSize, nextBatchSize, selectBatch } from './batch.ts';
import { checkLandmarks, type Landmarks, takeLandmarks } from './landmarks.ts';
import { measureNeed, SpaceNotFreedError } from './need.ts';
import {
  judgeRemoval,
  mayBeGone,
  type Outcome,
  type RemovalResult,
  type StopReason,
  type SweepResult,
} from './outcome.ts';
import type { SettlePorts } from './settle.ts';
import type { Space } from './space.ts';
import type { Throttle } from './throttle.ts';

export type RemovalPorts = SettlePorts & {
  readonly runtime: Pick<Runtime, 'removeImages' | 'listImages'>;
  readonly readLook: ReadLook;
  /** Taken from the look that the plan rests on. */
  readonly landmarks: Landmarks;
  /** Judges images by all keep rules on what a look shows; is given every look, in turn. */
  readonly judgeOn: (look: Look) => Judge;
  /** Tells whether an image may lose its names one by one. */
  readonly mayLoseAllNames: (image: Image) => boolean;
  /** The account of what was freed; absent where the disk can't be measured, and nothing goes by thresholds. */
  readonly space: Space | undefined;
  /** Comes before each batch. */
  readonly throttle: Throttle;
  /** The ends of removals and looks that are under way when the run is asked to stop. */
  readonly giveUp: { readonly removal: AbortSignal; readonly look: AbortSignal };
  /** Is told what happened to each image as soon as that is known. */
  readonly onResult: (result: RemovalResult) => void;
};

/** A removal to try, with what came of the attempt before where there was one. */
type Task = { readonly removal: Removal; readonly earlier?: Outcome };

/** A task, with what the look before the removal says of its image; without `image` where somebody removed it. */
type JudgedTask = { readonly task: Task; readonly image?: Image; readonly kept?: Outcome };

type WhySpared = 'BelowThreshold' | 'OverLimit';

type Step =
  | { readonly kind: 'Stop'; readonly reason: StopReason; readonly message: string }
  | { readonly kind: 'Spare'; readonly why: WhySpared }
  | { readonly kind: 'Batch'; readonly tasks: readonly JudgedTask[] };

/** The state of a run when a batch begins. */
type Progress = {
  queue: readonly Task[];
  batchSize: number;
  /** The number of images that went, or may have gone, and the sum of their sizes. */
  removed: number;
  removedBytes: number;
  /** The look right after the batch before; undefined where there is none, or it has to be taken anew. */
  look: Look | undefined;
  /** Taken from the last look that can be right. */
  landmarks: Landmarks;
  /** IDs of the images that were asked to go since that look. */
  asked: readonly string[];
  /** The number of batches at the end for which the runtime gave no answer at all. */
  silentBatches: number;
};

/**
 * Carries out the removals of a plan in batches. Before each it looks what is there and used, and judges by all keep rules
 * again; after each it looks what is really gone, in one look where nothing comes in between. Where that can't be read, or
 * can't be right, or `signal` asks for it with a {@link StopRequest}, no further batch is started. An image that can't be
 * removed holds no other back, and takes no place of the limit; one whose removal timed out, or found the disk full, is
 * tried again, once. Never throws: the result tells everything.
 */
export async function carryOut(plan: Plan, ports: RemovalPorts, signal: AbortSignal): Promise<SweepResult> {
  const results: RemovalResult[] = [];
  const spared: Kept[] = [];
  const progress = begin(plan, ports);
  const settleAll = (settled: readonly RemovalResult[]) => {
    results.push(...settled);
    settled.forEach(ports.onResult);
  };
  while (progress.queue.length > 0) {
    const step = await chooseStep(progress, plan, ports, signal);
    if (step.kind === 'Stop') {
      settleAll(progress.queue.map((task) => giveUp(task, step.reason)));
      return { results, spared, stopped: step };
    }
    if (step.kind === 'Batch') {
      settleAll(await takeBatch(step.tasks, progress, ports, signal));
      continue;
    }
    const { kept, settled } = spare(takeUncalled(progress, step.why), step.why, plan);
    spared.push(...kept);
    settleAll(settled);
  }
  return { results, spared };
}

function begin({ removals }: Plan, { landmarks }: RemovalPorts): Progress {
  return {
    queue: removals.map((removal) => ({ removal })),
    batchSize: firstBatchSize,
    removed: 0,
    removedBytes: 0,
    look: undefined,
    landmarks,
    asked: [],
    silentBatches: 0,
  };
}

async function chooseStep(progress: Progress, plan: Plan, ports: RemovalPorts, signal: AbortSignal): Promise<Step> {
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

/** One that has timed out is tried again alone, when the others have had their turn: it takes no other with it. */
function countTogether({ queue }: Progress): number {
  const first = queue.findIndex(hasTimedOut);
  return first === -1 ? queue.length : Math.max(1, first);
}

function hasTimedOut({ earlier }: Task): boolean {
  return earlier?.kind === 'failed' && earlier.reason === 'RemovalTimedOut';
}

/** The number of images at the front of the queue that the limits of the plan leave a place for. */
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

/** Undefined where usage doesn't matter: without thresholds, and for those that go at any usage. */
async function measureExcess(
  { queue }: Progress,
  { untilPercent }: Plan,
  ports: RemovalPorts,
  signal: AbortSignal,
): Promise<number | undefined> {
  if (untilPercent === undefined || ports.space === undefined) return undefined;
  // A batch that begins with one of those takes no others.
  if (queue[0]?.removal.always) return 0;
  return measureNeed(untilPercent, ports.space, ports, signal);
}

/** Every look counts, also one after which so much time went by that another has to be taken. */
function judgeTasks(
  tasks: readonly Task[],
  look: Look,
  progress: Progress,
  { judgeOn }: RemovalPorts,
): readonly JudgedTask[] {
  checkLandmarks(progress.landmarks, look.images, progress.asked);
  progress.landmarks = takeLandmarks(look);
  progress.asked = [];
  const judge = judgeOn(look);
  const present = new Map(look.images.map((image) => [image.id, image]));
  return tasks.map((task) => {
    const image = present.get(task.removal.image.id);
    const kept = image && judge(image);
    if (image === undefined || kept === undefined) return { task, ...(image && { image }) };
    return { task, image, kept: { kind: 'skipped', reason: kept.reason, message: kept.message } };
  });
}

/** Returns what is settled of a batch, and leaves what is worth another try at the end of the queue. */
async function takeBatch(
  tasks: readonly JudgedTask[],
  progress: Progress,
  ports: RemovalPorts,
  signal: AbortSignal,
): Promise<readonly RemovalResult[]> {
  const goesOn = tasks.length < progress.queue.length && !signal.aborted;
  // It is large, and the next look needs room.
  progress.look = undefined;
  const startedAt = ports.monotonicMs();
  const { tried, notAsked } = await removeBatch(tasks, progress, ports, { goesOn, signal });
  progress.silentBatches = tried.length > 0 && tried.every(isTimeout) ? progress.silentBatches + 1 : 0;
  progress.batchSize = nextBatchSize(progress.batchSize, tasks.length, ports.monotonicMs() - startedAt);
  for (const { removal } of tried.filter(({ outcome }) => mayBeGone(outcome))) {
    progress.removed++;
    progress.removedBytes += removal.image.sizeBytes;
    ports.space?.expect(removal.freesBytes);
  }
  const retries = tried.filter(isWorthRetrying);
  progress.queue = [
    ...notAsked,
    ...progress.queue.slice(tasks.length),
    ...retries.map(({ removal, outcome }) => ({ removal, earlier: outcome })),
  ];
  return tried.filter((attempt) => !isWorthRetrying(attempt));
}

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
    if (image === undefined) return { task, outcome: { kind: 'removed' } as const };
    return { task, outcome: kept ?? judge?.(image.id) };
  });
  return {
    tried: judged.flatMap(({ task: { removal, earlier }, outcome }): Attempt[] =>
      outcome === undefined ? [] : [{ removal, outcome, isRetry: earlier !== undefined }],
    ),
    notAsked: judged.flatMap(({ task, outcome }) => (outcome === undefined ? [task] : [])),
  };
}

/**
 * Judges the images that were asked to go; undefined for those that never were. If the look afterwards can't be right, or
 * takes too long after a stop, nothing is known of them.
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
    const left = after?.images ?? (await untilStopped(ports.runtime.listImages, ports.giveUp.look));
    checkLandmarks(progress.landmarks, left, progress.asked);
    progress.look = after;
    const present = new Set(left.map(({ id }) => id));
    return (id) => (notAsked.has(id) ? undefined : judgeRemoval(id, answer, present.has(id)));
  } catch (error) {
    const message = `was asked to go, and whether it went can't be told: ${messageOf(error)}`;
    return (id) => (notAsked.has(id) ? undefined : { kind: 'unknown', reason: 'LookFailed', message });
  }
}

/** If what is used can't be read, the images may be: the next batch finds out for itself, and does not begin. */
async function readForNext({ readLook }: RemovalPorts): Promise<Look | undefined> {
  try {
    return await readLook();
  } catch {
    return undefined;
  }
}

/** Takes out of the queue what is not called for, or what the limit leaves no place for. */
function takeUncalled(progress: Progress, why: WhySpared): readonly Task[] {
  const { queue } = progress;
  const isCalledFor = ({ removal }: Task) => why === 'BelowThreshold' && removal.always;
  progress.queue = queue.filter(isCalledFor);
  return queue.filter((task) => !isCalledFor(task));
}

/** An image that was asked for once was not spared: what came of that is told. */
function spare(tasks: readonly Task[], why: WhySpared, plan: Plan) {
  const kept = tasks
    .filter(({ earlier }) => earlier === undefined)
    .map(({ removal }) => (why === 'OverLimit' ? keepOverLimit(removal, plan) : keepBelowThreshold(removal)));
  const settled = tasks.flatMap(({ removal, earlier }) =>
    earlier === undefined ? [] : [{ removal, outcome: earlier }],
  );
  return { kept, settled };
}

/** On a full disk a runtime may be unable to write a removal down, until others have made room. */
const noSpace = /no space left on device/i;

function isWorthRetrying({ outcome, isRetry }: Attempt): boolean {
  if (isRetry || outcome.kind !== 'failed') return false;
  return outcome.reason === 'RemovalTimedOut' || noSpace.test(outcome.message);
}

function isTimeout({ outcome }: Attempt): boolean {
  return outcome.kind === 'failed' && outcome.reason === 'RemovalTimedOut';
}

/** So many batches without any answer, and the runtime hangs. */
const maxSilentBatches = 4;
const hanging = {
  reason: 'RuntimeHangs',
  message: `the runtime gave no answer to the removals of ${maxSilentBatches} batches one after the other: check whether it hangs`,
} as const;

function giveUp({ removal, earlier }: Task, reason: StopReason): RemovalResult {
  return { removal, outcome: earlier ?? { kind: 'skipped', reason } };
}

function reasonOf(error: unknown): StopReason {
  if (error instanceof StopRequest) return error.reason;
  return error instanceof SpaceNotFreedError ? 'SpaceNotFreed' : 'UsageUnreadable';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
