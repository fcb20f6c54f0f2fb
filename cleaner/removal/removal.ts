import type { Kept } from '../plan/judge.ts';
import { keepBelowThreshold, keepOverLimit, type Plan } from '../plan/plan.ts';
import { chooseStep, type WhySpared } from './choose-step.ts';
import { begin, type Progress, type RemovalPorts, type Task } from './progress.ts';
import { takeBatch } from './take-batch.ts';
import type { RemovalResult, StopReason, SweepResult } from './verify.ts';

/**
 * Carries out the removals of a plan in batches. Before each batch it reads the images and their usage, and judges by all
 * keep rules again. After each batch it reads which images are really gone; both are one look if nothing happens in
 * between. It starts no further batch if a look fails or is implausible, or if `signal` is aborted with a StopRequest.
 * An image that can't be removed doesn't delay others and doesn't count for the limit. A removal that timed out, or failed
 * because the disk was full, is tried once more. Never throws: errors are part of the result.
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

/** Removes tasks from the queue that are not needed, or that the limit does not allow, and returns them. */
function takeUncalled(progress: Progress, why: WhySpared): readonly Task[] {
  const { queue } = progress;
  const isCalledFor = ({ removal }: Task) => why === 'BelowThreshold' && removal.always;
  progress.queue = queue.filter(isCalledFor);
  return queue.filter((task) => !isCalledFor(task));
}

/** An image with an earlier attempt does not count as spared: the outcome of that attempt is its result. */
function spare(tasks: readonly Task[], why: WhySpared, plan: Plan) {
  const kept = tasks
    .filter(({ earlier }) => earlier === undefined)
    .map(({ removal }) => (why === 'OverLimit' ? keepOverLimit(removal, plan) : keepBelowThreshold(removal)));
  const settled = tasks.flatMap(({ removal, earlier }) =>
    earlier === undefined ? [] : [{ removal, outcome: earlier }],
  );
  return { kept, settled };
}

function giveUp({ removal, earlier }: Task, reason: StopReason): RemovalResult {
  return { removal, outcome: earlier ?? { kind: 'skipped', reason } };
}
