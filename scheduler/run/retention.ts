import type { Node, RunPod } from '../objects.ts';
import { isAtWork } from '../pods/state.ts';
import { earliest } from '../policy/instants.ts';
import type { HeldPod } from './kind.ts';
import { resultOf } from './progress.ts';
import { isOverAll, lastResults } from './results/last-results.ts';
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
  /** By run whose pods have reached their TTL, the pods that stay all the same, because they are held. */
  readonly podsOf: ReadonlyMap<string, readonly string[]>;
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

/** The objects that may expire, and the nodes that some of them are about. */
export interface Keepsakes {
  readonly runs: readonly Run[];
  readonly pods: readonly RunPod[];
  readonly nodes: readonly Node[];
}

/** Decides which pods and records of the finished runs of one policy are deleted now; without limits, no records are. */
export function expire({ runs, pods, nodes }: Keepsakes, limits: HistoryLimits | undefined, now: Date): Expiry {
  const finished = runs.filter(isFinished);
  const expired = finished.filter((run) => expiryOf(run) <= now.getTime());
  const names = new Set(finished.map((run) => run.name));
  const present = pods.filter((pod) => names.has(pod.run) && pod.deletionTimestamp === undefined);
  const held = heldPods(finished, present);
  const withPods = new Set(present.filter((pod) => !held.has(pod)).map((pod) => pod.run));
  const working = Map.groupBy(present.filter(isAtWork), ({ run }) => run);
  const needed = new Set([...neededRuns(runs, nodes), ...[...held].map(({ run }) => run)]);
  const surplus = [
    ...beyond(finished, 'Succeeded', limits?.successfulRunsHistoryLimit),
    ...beyond(finished, 'Failed', limits?.failedRunsHistoryLimit),
  ].filter(({ name }) => !needed.has(name));
  const pending = [...finished.map(expiryOf), ...surplus.map(recordExpiryOf)];
  return {
    leftovers: new Map([...working].map(([run, pods]) => [run, pods.map(({ name }) => name)])),
    podsOf: new Map(
      expired.filter(({ name }) => withPods.has(name)).map(({ name }) => [name, namesOf(held, name)] as const),
    ),
    records: surplus.filter((run) => recordExpiryOf(run) <= now.getTime()),
    wakeAt: earliest(pending.filter((time) => time > now.getTime()).map((time) => new Date(time))),
  };
}

function namesOf(pods: ReadonlySet<RunPod>, run: string): string[] {
  return [...pods].filter((pod) => pod.run === run).map(({ name }) => name);
}

/** The pods that stay after their TTL: those of which a newer run has not taken over all that they hold on their nodes. */
function heldPods(finished: readonly Run[], pods: readonly RunPod[]): ReadonlySet<RunPod> {
  const runs = new Map(finished.map((run) => [run.name, run]));
  const candidates = pods.flatMap((pod) => {
    const run = runs.get(pod.run);
    return run?.kind.isHeld(pod, run) ? [{ pod, run }] : [];
  });
  if (candidates.length === 0) return new Set();
  const holders = Map.groupBy(candidates, ({ pod }) => `${pod.run}/${pod.node}`);
  const newest = finished.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime());
  return new Set(candidates.filter((held) => !isSuperseded(held)).map(({ pod }) => pod));

  function isSuperseded(held: HeldPod): boolean {
    const { node } = held.pod;
    const later = newest.slice(0, newest.indexOf(held.run));
    return later.some((run) => {
      if (hasDone(run, node)) return true;
      const pods = (holders.get(`${run.name}/${node}`) ?? []).map(({ pod }) => pod);
      return pods.length > 0 && run.kind.isTakenOver(held, { run, pods });
    });
  }
}

/** True if the run has done its work on the node, or has found that the policy no longer selects it. */
function hasDone(run: Run, node: string): boolean {
  const progress = run.nodes.get(node);
  return progress === undefined ? isOverAll(run) : resultOf(progress) === 'Succeeded';
}

/** The runs with the newest result on a node, if the kind must know it to find new nodes, or to keep its account. */
function neededRuns(runs: readonly Run[], nodes: readonly Node[]): string[] {
  const serving = runs.filter(({ kind, spec }) => kind.servesNewNodes(spec) || kind.ledger !== undefined);
  if (serving.length === 0) return [];
  const results = lastResults(serving);
  return nodes.flatMap(({ name }) => results.get(name)?.run.name ?? []);
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
