import { formatDuration } from '../../../contract/duration.ts';
import type { RunPod } from '../../../scheduler/objects.ts';
import { resultOf } from '../../../scheduler/run/progress.ts';
import type { Run } from '../../../scheduler/run/run.ts';
import { summarize } from '../../../scheduler/run/summary.ts';

/** The progress of a run in one line. It counts pods too, because the record is not written at every step. */
export function describeProgress(run: Run, pods: readonly RunPod[]): string {
  const { phase, message } = run;
  const settled = settledNodes(run, pods);
  const count = (result: string) => [...settled.values()].filter((value) => value === result).length;
  const parts = [`${count('Succeeded')} succeeded`, `${count('Failed')} failed`, `${count('Skipped')} skipped`];
  const effect = run.kind.describeEffect(run.spec, summarize(run).totals);
  const line = `${settled.size} of ${totalOf(run, settled)} nodes: ${parts.join(', ')}; ${effect}`;
  return phase === 'Paused' ? `${line}; paused: ${message}` : line;
}

/** The time until all nodes are done, if the others take as long as those that are done; undefined without any. */
export function describeRest(run: Run, pods: readonly RunPod[], now: Date): string | undefined {
  const settled = settledNodes(run, pods);
  const rest = totalOf(run, settled) - settled.size;
  if (run.phase === 'Paused' || settled.size === 0 || rest <= 0) return undefined;
  const elapsedMs = Math.max(0, now.getTime() - run.startedAt.getTime());
  return `about ${formatDuration((elapsedMs / settled.size) * rest)} left`;
}

function totalOf({ nodes }: Run, settled: ReadonlyMap<string, string>): number {
  return Math.max(nodes.size, settled.size);
}

/** The results by node. */
function settledNodes({ nodes }: Run, pods: readonly RunPod[]): ReadonlyMap<string, string> {
  const results = [...nodes].flatMap(([name, progress]) => {
    const result = resultOf(progress);
    return result === undefined ? [] : [[name, result] as const];
  });
  const settled = new Map<string, string>(results);
  for (const pod of pods) {
    // Another pod may follow a failed one, and each puller, so only the record shows that their nodes are done.
    const isDone = pod.kind === 'cleaner' && pod.phase === 'Succeeded';
    if (isDone && !settled.has(pod.node)) settled.set(pod.node, 'Succeeded');
  }
  return settled;
}

/** Time after which a line says that a run has not started. A scheduler that works starts it within a second. */
const patienceMs = 10_000;

/** The wait for the start of a run; undefined while it is short. */
export function describeWait(waitedMs: number): string | undefined {
  if (waitedMs < patienceMs) return undefined;
  return 'not started yet: another run of the policy may be active (concurrencyPolicy), or no scheduler is at work';
}
