import { selectBatch } from './batch.ts';
import { bytesAbove, type DiskUsage } from './disk-usage.ts';
import type { ReadUsage, Usage } from './inventory.ts';
import { judgeRemoval, type Outcome, type PlanResult, type RemovalResult, type StopReason } from './outcome.ts';
import { type Kept, keepBelowThreshold, type Plan, type Removal } from './plan.ts';
import type { Rest } from './rest.ts';
import type { RemovalAnswer, Runtime } from './runtime.ts';
import { StopRequest, untilStopped } from './stop.ts';

export type RemovalPorts = {
  readonly runtime: Pick<Runtime, 'removeImages' | 'listImages'>;
  readonly readUsage: ReadUsage;
  readonly measureDisk: () => Promise<DiskUsage>;
  /** Comes before each batch. */
  readonly rest: Rest;
  /** Is told what happened to each image as soon as that is known. */
  readonly onResult: (result: RemovalResult) => void;
};

/** A removal to try, with what came of the attempt before where there was one. */
type Task = { readonly removal: Removal; readonly earlier?: Outcome };

type Step =
  | { readonly kind: 'Stop'; readonly reason: StopReason; readonly message: string }
  | { readonly kind: 'Enough' }
  | { readonly kind: 'Batch'; readonly tasks: readonly Task[]; readonly usage: Usage };

/**
 * Carries out the removals of a plan in batches. Before each it reads again what is used, and after each what is really
 * gone; where that can't be read, or `signal` asks for it with a {@link StopRequest}, no further batch is started. An image
 * that can't be removed holds no other back; one whose removal timed out, or found the disk full, is tried again, once.
 * Never throws: the result tells everything.
 */
export async function carryOut(plan: Plan, ports: RemovalPorts, signal: AbortSignal): Promise<PlanResult> {
  const results: RemovalResult[] = [];
  const spared: Kept[] = [];
  const settle = (result: RemovalResult) => {
    results.push(result);
    ports.onResult(result);
  };
  let queue: readonly Task[] = plan.removals.map((removal) => ({ removal }));
  while (queue.length > 0) {
    const step = await prepareStep(queue, plan, ports, signal);
    if (step.kind === 'Stop') {
      queue.map((task) => giveUp(task, step.reason)).forEach(settle);
      return { results, spared, stopped: step };
    }
    if (step.kind === 'Enough') {
      spared.push(...queue.filter(({ removal }) => !removal.always).map(({ removal }) => keepBelowThreshold(removal)));
      queue = queue.filter(({ removal }) => removal.always);
      continue;
    }
    const tried = await removeBatch(step.tasks, step.usage, ports.runtime);
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
  queue: readonly Task[],
  plan: Plan,
  { readUsage, measureDisk, rest }: RemovalPorts,
  signal: AbortSignal,
): Promise<Step> {
  try {
    signal.throwIfAborted();
    const excessBytes = plan.untilPercent && bytesAbove(plan.untilPercent, await measureDisk());
    const tasks = selectBatch(queue, excessBytes);
    if (tasks.length === 0) return { kind: 'Enough' };
    await rest(signal);
    return { kind: 'Batch', tasks, usage: await untilStopped(readUsage, signal) };
  } catch (error) {
    const reason = error instanceof StopRequest ? error.reason : 'UsageUnreadable';
    return { kind: 'Stop', reason, message: messageOf(error) };
  }
}

type Attempt = RemovalResult & { readonly isRetry: boolean };

async function removeBatch(
  tasks: readonly Task[],
  usage: Usage,
  runtime: RemovalPorts['runtime'],
): Promise<readonly Attempt[]> {
  const present = new Set(usage.images.map(({ id }) => id));
  const ids = tasks.map(({ removal }) => removal.image.id).filter((id) => present.has(id) && !usage.inUse.has(id));
  const judge = ids.length === 0 ? undefined : await removeAndLook(ids, runtime);
  return tasks.map(({ removal, earlier }) => {
    const { id } = removal.image;
    const isRetry = earlier !== undefined;
    if (!present.has(id)) return { removal, isRetry, outcome: { kind: 'removed' } };
    if (judge === undefined || usage.inUse.has(id)) {
      return { removal, isRetry, outcome: { kind: 'skipped', reason: 'InUse' } };
    }
    return { removal, isRetry, outcome: judge(id) };
  });
}

async function removeAndLook(
  ids: readonly string[],
  runtime: RemovalPorts['runtime'],
): Promise<(id: string) => Outcome> {
  const answer: RemovalAnswer = await runtime.removeImages(ids);
  try {
    const present = new Set((await runtime.listImages()).map(({ id }) => id));
    return (id) => judgeRemoval(id, answer, present.has(id));
  } catch (error) {
    const message = `was asked to go, and whether it went can't be told: ${messageOf(error)}`;
    return () => ({ kind: 'unknown', reason: 'LookFailed', message });
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
