import type { RunPod } from '../../scheduler/objects.ts';
import { resultOf } from '../../scheduler/run/progress.ts';
import type { Run } from '../../scheduler/run/run.ts';

/** The progress of a run in one line. It counts pods too, because the record is not written at every step. */
export function describeProgress({ nodes, phase, message }: Run, pods: readonly RunPod[]): string {
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
  const count = (result: string) => [...settled.values()].filter((value) => value === result).length;
  const total = Math.max(nodes.size, settled.size);
  const parts = [`${count('Succeeded')} succeeded`, `${count('Failed')} failed`, `${count('Skipped')} skipped`];
  const line = `${settled.size} of ${total} nodes: ${parts.join(', ')}`;
  return phase === 'Paused' ? `${line}; paused: ${message}` : line;
}
