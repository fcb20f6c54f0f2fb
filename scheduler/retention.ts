import type { CleanerPod } from './objects.ts';
import { podFate } from './pod.ts';
import { isFinished, type Run } from './run.ts';

/** What has outlived its use. */
export interface Expiry {
  /** Pods that still work for a run that is over. */
  readonly leftovers: readonly string[];
  /** Runs whose pods have been kept for their TTL. */
  readonly podsOf: readonly string[];
  /** Records beyond the history limits; their pods have expired too. */
  readonly records: readonly Run[];
  /** When the next pods expire. */
  readonly wakeAt: Date | undefined;
}

/** The limits that count are those of the policy as it is now. */
export interface HistoryLimits {
  readonly successfulRunsHistoryLimit: number;
  readonly failedRunsHistoryLimit: number;
}

/** Decides which pods and records of one policy's finished runs are to be deleted now; without limits, no record. */
export function expire(
  runs: readonly Run[],
  pods: readonly CleanerPod[],
  limits: HistoryLimits | undefined,
  now: Date,
): Expiry {
  const finished = runs.filter(isFinished);
  const expired = finished.filter((run) => expiryOf(run) <= now.getTime());
  const names = new Set(finished.map((run) => run.name));
  const present = pods.filter((pod) => names.has(pod.run) && !pod.terminating);
  const withPods = new Set(present.map((pod) => pod.run));
  const pending = finished.filter((run) => expiryOf(run) > now.getTime()).map(expiryOf);
  const surplus = new Set([
    ...beyond(finished, 'Succeeded', limits?.successfulRunsHistoryLimit),
    ...beyond(finished, 'Failed', limits?.failedRunsHistoryLimit),
  ]);
  return {
    leftovers: present.filter((pod) => podFate(pod).fate === 'Active').map((pod) => pod.name),
    podsOf: expired.filter((run) => withPods.has(run.name)).map((run) => run.name),
    records: expired.filter((run) => surplus.has(run)),
    wakeAt: pending.length === 0 ? undefined : new Date(Math.min(...pending)),
  };
}

function expiryOf(run: Run): number {
  return (run.finishedAt?.getTime() ?? 0) + run.spec.ttlSecondsAfterFinished * 1000;
}

/** The oldest runs of a phase beyond the limit. */
function beyond(runs: readonly Run[], phase: Run['phase'], limit: number | undefined): Run[] {
  if (limit === undefined) return [];
  return runs
    .filter((run) => run.phase === phase)
    .sort((a, b) => b.startedAt.getTime() - a.startedAt.getTime())
    .slice(limit);
}
