import type { ClusterState } from '../cluster.ts';
import type { RunPod } from '../objects.ts';
import type { Policy } from '../policy/policy.ts';
import type { RunKind } from '../run/kind.ts';
import { lastResults, newNodes } from '../run/last-results.ts';
import { nodesWithoutHolder } from '../run/lost-holders.ts';
import type { Run } from '../run/run.ts';
import type { PolicyPass } from './context.ts';

/** A kind of runs, and the policy or the beginning of a run. */
interface Subject {
  readonly kind: RunKind;
  readonly spec: Policy;
}

/** The names of the nodes that need a run between the scheduled ones: new ones, and those that lost their held pod. */
export function nodesToServe(pass: PolicyPass, subject: Subject, runs: readonly Run[]): ReadonlySet<string> {
  const { state, journal, now } = pass;
  const pods = runs.flatMap((run) => podsOf(state, run).filter((pod) => run.kind.isHeld(pod, run)));
  for (const { node, run } of pods) journal.holders.note(node, run);
  journal.holders.retain(new Set(state.nodes.map(({ name }) => name)));
  const seen = { pods, runOn: (node: string) => journal.holders.runOn(node) };
  const lost = nodesWithoutHolder(lastResults(runs), seen, now);
  return new Set([...newNodes(state.nodes, subject, runs), ...lost]);
}

const podsByRun = new WeakMap<ClusterState['pods'], ReadonlyMap<string, RunPod[]>>();

/** The pods of a run. They are grouped after a change of a pod, not for each run. */
export function podsOf({ pods }: Pick<ClusterState, 'pods'>, { name }: Pick<Run, 'name'>): readonly RunPod[] {
  const known = podsByRun.get(pods) ?? Map.groupBy(pods, ({ run }) => run);
  podsByRun.set(pods, known);
  return known.get(name) ?? [];
}
