import type { RunPod } from '../../objects.ts';
import type { LastResult } from './last-results.ts';

/**
 * The minimum time between the result of a run over new nodes and the next one for the same node. Somebody who deletes held
 * pods again and again, or a disk that is full again after each pull, must not cause a storm of runs.
 */
const repairPauseMs = 3_600_000;

/** The pods of a policy, and the runs that were seen to hold pods. */
export interface SeenHolders {
  readonly pods: readonly RunPod[];
  /** The run that was seen to hold a pod on the node. */
  readonly runOn: (node: string) => string | undefined;
  /** True if the node was under disk pressure while the run held a pod there, so that the pod may hold nothing any more. */
  readonly isEmptied: (node: string, run: string) => boolean;
}

/**
 * The nodes whose newest run held a pod, which is gone now, or was there during disk pressure: nothing protects there any more
 * what the pod held.
 */
export function nodesWithoutHolder(
  results: ReadonlyMap<string, LastResult>,
  { pods, runOn, isEmptied }: SeenHolders,
  now: Date,
): ReadonlySet<string> {
  const present = pods.filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
  const held = new Set(present.map(({ run, node }) => `${run}/${node}`));
  const isGone = (node: string, run: string) => !held.has(`${run}/${node}`) || isEmptied(node, run);
  const isLost = ([node, { run }]: [string, LastResult]) =>
    runOn(node) === run.name && isGone(node, run.name) && mayRepair(run, now);
  return new Set([...results].filter(isLost).map(([node]) => node));
}

function mayRepair({ trigger, finishedAt }: LastResult['run'], now: Date): boolean {
  if (finishedAt === undefined) return false;
  return trigger.type !== 'Nodes' || now.getTime() - finishedAt.getTime() >= repairPauseMs;
}
