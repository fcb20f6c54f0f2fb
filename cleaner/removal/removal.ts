import { bytesAbove, type DiskUsage } from '../plan/disk-usage.ts';
import { type Kept, keepBelowThreshold, type Plan, type Removal } from '../plan/plan.ts';
import type { ImageUsage, ReadUsage } from '../runtime/inventory.ts';
import type { RemovalAnswer, Runtime } from '../runtime/runtime.ts';
import { StopRequest, untilStopped } from '../stop.ts';
import { firstBatchSize, nextBatchSize, selectBatch } from './batch.ts';
import { judgeRemoval, type Outcome, type RemovalResult, type StopReason, type SweepResult } from './outcome.ts';
import type { Throttle } from './throttle.ts';

export type RemovalPorts = {
  readonly runtime: Pick<Runtime, 'removeImages' | 'listImages'>;
  readonly readUsage: ReadUsage;
  readonly measureDisk: () => Promise<DiskUsage>;
  /** Comes before each batch. */
  readonly throttle: Throttle;
  /** Milliseconds of a clock that never steps. */
  readonly monotonicMs: () => number;
  /** Is told what happened to each image as soon as that is known. */
  readonly onResult: (result: RemovalResult) => void;
};

/** A removal to try, with what came of the attempt before where there was one. */
type Task = { readonly removal: Removal; readonly earlier?: Outcome };

/** A task, with what the last look before the removal says of its image. The look itself is large, and not kept. */
type JudgedTask = { readonly task: Task; readonly state: 'Gone' | 'InUse' | 'Unused' };

type Step =
  | { readonly kind: 'Stop'; readonly reason: StopReason; readonly message: string }
  | { readonly kind: 'Enough' }
  | { readonly kind: 'Batch'; readonly tasks: readonly JudgedTask[] };

/** What is known when a batch begins. */
type Standing = {
  readonly queue: readonly Task[];
  readonly batchSize: number;
  /** What was there, and used, right after the batch before. */
  readonly usage: ImageUsage | undefined;
};

/**
 * Carries out the removals of a plan in batches. Before each it looks what is used, and after each what is really gone, in
 * one look where nothing comes in between; where that can't be read, or `signal` asks for it with a {@link StopRequest},
 * no further batch is started. An image that can't be removed holds no other back; one whose removal timed out, or found
 * the disk full, is tried again, once. Never throws: the result tells everything.
 */
export async function carryOut(plan: Plan, ports: RemovalPorts, signal: AbortSignal): Promise<SweepResult> {
  const results: RemovalResult[] = [];
  const spared: Kept[] = [];
  const settle = (result: RemovalResult) => {
    results.push(result);
    ports.onResult(result);
  };
  let queue: readonly Task[] = plan.removals.map((removal) => ({ removal }));
  let batchSize = firstBatchSize;
  let usage: ImageUsage | undefined;
  while (queue.length > 0) {
    const step = await prepareStep({ queue, batchSize, usage }, plan, ports, signal);
    if (step.kind === 'Stop') {
      queue.map((task) => giveUp(task, step.reason)).forEach(settle);
      return { results, spared, stopped: step };
    }
    if (step.kind === 'Enough') {
      spared.push(...queue.filter(({ removal }) => !removal.always).map(({ removal }) => keepBelowThreshold(removal)));
      queue = queue.filter(({ removal }) => removal.always);
      continue;
    }
    // It is large, and the next look needs room.
    usage = undefined;
    const goesOn = () => step.tasks.length < queue.length && !signal.aborted;
    const startedAt = ports.monotonicMs();
    const { tried, after } = await removeBatch(step.tasks, ports, goesOn);
    usage = after;
    batchSize = nextBatchSize(batchSize, step.tasks.length, ports.monotonicMs() - startedAt);
    const retries = tried.filter(isWorthRetrying);
    tried.filter((attempt) => !isWorthRetrying(attempt)).forEach(settle);
    queue = [
      ...queue.slice(step.tasks.length),
      ...retries.map(({ removal, outcome }) => ({ removal, earlier: outcome })),
    ];
  }
  return { results, spared };
}

async function prepareStep(
  { queue, batchSize, usage }: Standing,
  plan: Plan,
  { readUsage, measureDisk, throttle }: RemovalPorts,
  signal: AbortSignal,
): Promise<Step> {
  try {
    signal.throwIfAborted();
    const excessBytes = plan.untilPercent && bytesAbove(plan.untilPercent, await measureDisk());
    const tasks = selectBatch(queue, excessBytes, batchSize);
    if (tasks.length === 0) return { kind: 'Enough' };
    const isOutdated = await throttle(signal);
    const current = usage && !isOutdated ? usage : await untilStopped(readUsage, signal);
    return { kind: 'Batch', tasks: judgeTasks(tasks, current) };
  } catch (error) {
    const reason = error instanceof StopRequest ? error.reason : 'UsageUnreadable';
    return { kind: 'Stop', reason, message: messageOf(error) };
  }
}

function judgeTasks(tasks: readonly Task[], { images, inUse }: ImageUsage): readonly JudgedTask[] {
  const present = new Set(images.map(({ id }) => id));
  return tasks.map((task) => {
    const { id } = task.removal.image;
    if (!present.has(id)) return { task, state: 'Gone' };
    return { task, state: inUse.has(id) ? 'InUse' : 'Unused' };
  });
}

type Attempt = RemovalResult & { readonly isRetry: boolean };

/** `after` is what there is then, where somebody will ask and it could be read. */
async function removeBatch(
  tasks: readonly JudgedTask[],
  ports: RemovalPorts,
  goesOn: () => boolean,
): Promise<{ readonly tried: readonly Attempt[]; readonly after: ImageUsage | undefined }> {
  const ids = tasks.filter(({ state }) => state === 'Unused').map(({ task }) => task.removal.image.id);
  const { judge, after } = ids.length === 0 ? {} : await removeAndLook(ids, ports, goesOn);
  const tried = tasks.map(({ task: { removal, earlier }, state }): Attempt => {
    const isRetry = earlier !== undefined;
    if (state === 'Gone') return { removal, isRetry, outcome: { kind: 'removed' } };
    if (state === 'InUse' || judge === undefined) {
      return { removal, isRetry, outcome: { kind: 'skipped', reason: 'InUse' } };
    }
    return { removal, isRetry, outcome: judge(removal.image.id) };
  });
  return { tried, after };
}

async function removeAndLook(
  ids: readonly string[],
  ports: RemovalPorts,
  goesOn: () => boolean,
): Promise<{ readonly judge: (id: string) => Outcome; readonly after?: ImageUsage | undefined }> {
  const answer: RemovalAnswer = await ports.runtime.removeImages(ids);
  try {
    const after = goesOn() ? await readForNext(ports) : undefined;
    const present = new Set((after?.images ?? (await ports.runtime.listImages())).map(({ id }) => id));
    return { judge: (id) => judgeRemoval(id, answer, present.has(id)), after };
  } catch (error) {
    const message = `was asked to go, and whether it went can't be told: ${messageOf(error)}`;
    return { judge: () => ({ kind: 'unknown', reason: 'LookFailed', message }) };
  }
}

/** Where what is used can't be read, the images may be: the next batch finds out for itself, and does not begin. */
async function readForNext({ readUsage }: RemovalPorts): Promise<ImageUsage | undefined> {
  try {
    return await readUsage();
  } catch {
    return undefined;
  }
}

/** On a full disk a runtime may be unable to write a removal down, until others have made room. */
const noSpace = /no space left on device/i;

function isWorthRetrying({ outcome, isRetry }: Attempt): boolean {
  if (isRetry || outcome.kind !== 'failed') return false;
  return outcome.reason === 'RemovalTimedOut' || noSpace.test(outcome.message);
}

function giveUp({ removal, earlier }: Task, reason: StopReason): RemovalResult {
  return { removal, outcome: earlier ?? { kind: 'skipped', reason } };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
