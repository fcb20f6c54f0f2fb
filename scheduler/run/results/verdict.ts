import { outcomeOf } from '../outcome.ts';
import { isFinished, type Run } from '../run.ts';

/** True if the run is meant for all nodes of its policy. Others are for nodes under disk pressure, or for new ones. */
export function isFull({ trigger }: Pick<Run, 'trigger'>): boolean {
  return trigger.type === 'Schedule' || trigger.type === 'Request';
}

/** The newest run for all nodes that has ended. One that a newer run replaced does not count: the newer one does its work. */
export function lastFullRun(runs: readonly Run[]): Run | undefined {
  return newest(runs.filter((run) => isFinished(run) && isFull(run) && run.reason !== 'Replaced'));
}

/**
 * The newest run that shows if the policy works: one for all nodes, or another that failed. A success on some nodes does not
 * show that the others work again.
 */
export function lastVerdict(runs: readonly Run[]): Run | undefined {
  return newest(runs.filter((run) => isFinished(run) && run.reason !== 'Replaced' && (isFull(run) || isFailure(run))));
}

/** True for a run that failed, or did only a part of its work. */
export function isFailure(run: Run): boolean {
  const outcome = outcomeOf(run);
  return outcome === 'Failed' || outcome === 'PartiallyFailed';
}

/** The end of the newest run for all nodes in which every node succeeded or was skipped. */
export function lastSuccessOf(runs: readonly Run[]): Date | undefined {
  return newest(runs.filter((run) => isFull(run) && isSuccess(run)))?.finishedAt;
}

/** True for a run that has done all of its work, also if disks stayed above their target. */
export function isSuccess(run: Run): boolean {
  const outcome = outcomeOf(run);
  return outcome === 'Succeeded' || outcome === 'TargetNotMet';
}

function newest(runs: readonly Run[]): Run | undefined {
  return runs.toSorted((one, other) => endOf(other) - endOf(one))[0];
}

function endOf({ startedAt, finishedAt = startedAt }: Run): number {
  return finishedAt.getTime();
}
