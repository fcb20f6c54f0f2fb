import type { RunPod } from '../../objects.ts';
import { waiting } from '../../run/progress.ts';
import { lastResults } from '../../run/results/last-results.ts';
import { endedSince } from '../../run/results/node-end.ts';
import type { RunView } from '../../run/rollout/candidate.ts';
import type { Run } from '../../run/run.ts';
import type { PolicyPass } from '../context.ts';

/** Tells the observer of the nodes on which the step of a run has seen the end of a pod. */
export function observeEnds(
  { observer, journal, now }: Pick<PolicyPass, 'observer' | 'journal' | 'now'>,
  before: Run,
  run: Run,
  { nodes, pods }: Pick<RunView, 'nodes' | 'pods'>,
): void {
  const ended = endedSince(before, run);
  if (observer === undefined || ended.length === 0) return;
  const results = lastResults(journal.runs.of(run.policy).filter(({ name }) => name !== run.name));
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const newest = newestPods(pods);
  for (const name of ended)
    observer.observeNode({
      run,
      name,
      progress: run.nodes.get(name) ?? waiting,
      before: before.nodes.get(name),
      lastResult: results.get(name),
      node: byName.get(name),
      pod: newest.get(name),
      now,
    });
}

function newestPods(pods: readonly RunPod[]): ReadonlyMap<string, RunPod> {
  return new Map(pods.toSorted((one, other) => one.attempt - other.attempt).map((pod) => [pod.node, pod]));
}
