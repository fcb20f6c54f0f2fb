import type { RunPod } from '../objects.ts';
import type { LastResult } from './last-results.ts';

/**
 * The minimum time between the result of a run over new nodes and the next one for the same node. Somebody who deletes held
 * pods again and again must not cause a storm of runs.
 */
const repairPauseMs = 3_600_000;

/** The pods of a policy, and the run that was seen to hold a pod on each node. */
export interface SeenHolders {
  readonly pods: readonly RunPod[];
  readonly runOn: (node: string) => string | undefined;
}

/** The nodes whose newest run held a pod, which is gone now: nothing protects there any more what the pod held. */
export function nodesWithoutHolder(
  results: ReadonlyMap<string, LastResult>,
  { pods, runOn }: SeenHolders,
  now: Date,
): ReadonlySet<string> {
  const present = pods.filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
  const held = new Set(present.map(({ run, node }) => `${run}/${node}`));
  const isLost = ([node, { run }]: [string, LastResult]) =>
    runOn(node) === run.name && !held.has(`${run.name}/${node}`) && mayRepair(run, now);
  return new Set([...results].filter(isLost).map(([node]) => node));
}

function mayRepair({ trigger, finishedAt }: LastResult['run'], now: Date): boolean {
  if (finishedAt === undefined) return false;
  return trigger.type !== 'Nodes' || now.getTime() - finishedAt.getTime() >= repairPauseMs;
}
