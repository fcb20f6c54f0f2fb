import type { RunPod } from '../objects.ts';
import { isAtWork } from '../pods/state.ts';
import { earliest } from '../policy/instants.ts';
import { isFinished, type Run } from './run.ts';

/**
 * The minimum time for which a record is kept after the start of its run. A replica whose watch is late, or whose request
 * is still in progress, must find the record, or it would start the run again.
 */
const minRecordAgeMs = 600_000;

/** The pods and records that are no longer needed. */
export interface Expiry {
  /** By ended run, the pods that still work for it. */
  readonly leftovers: ReadonlyMap<string, readonly string[]>;
  /** Runs whose pods have reached their TTL. */
  readonly podsOf: readonly string[];
  /** Records beyond the history limits; their pods have expired too. */
  readonly records: readonly Run[];
  /** When the next pods or records expire. */
  readonly wakeAt: Date | undefined;
}

/** The limits of the current policy. */
export interface HistoryLimits {
  readonly successfulRunsHistoryLimit: number;
  readonly failedRunsHistoryLimit: number;
}

/** Decides which pods and records of the finished runs of one policy are deleted now; without limits, no records are. */
export function expire(
  runs: readonly Run[],
  pods: readonly RunPod[],
  limits: HistoryLimits | undefined,
  now: Date,
): Expiry {
  const finished = runs.filter(isFinished);
  const expired = finished.filter((run) => expiryOf(run) <= now.getTime());
  const names = new Set(finished.map((run) => run.name));
  const present = pods.filter((pod) => names.has(pod.run) && pod.deletionTimestamp === undefined);
  const withPods = new Set(present.map((pod) => pod.run));
  const working = Map.groupBy(present.filter(isAtWork), ({ run }) => run);
  const surplus = new Set([
    ...beyond(finished, 'Succeeded', limits?.successfulRunsHistoryLimit),
    ...beyond(finished, 'Failed', limits?.failedRunsHistoryLimit),
  ]);
  const pending = [...finished.map(expiryOf), ...[...surplus].map(recordExpiryOf)];
  return {
    leftovers: new Map([...working].map(([run, pods]) => [run, pods.map(({ name }) => name)])),
    podsOf: expired.filter((run) => withPods.has(run.name)).map((run) => run.name),
    records: [...surplus].filter((run) => recordExpiryOf(run) <= now.getTime()),
    wakeAt: earliest(pending.filter((time) => time > now.getTime()).map((time) => new Date(time))),
  };
}

function recordExpiryOf(run: Run): number {
  return Math.max(expiryOf(run), run.startedAt.getTime() + minRecordAgeMs);
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
