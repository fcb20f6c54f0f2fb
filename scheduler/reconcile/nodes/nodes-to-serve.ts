import type { ClusterState } from '../../cluster.ts';
import type { RunPod } from '../../objects.ts';
import type { Policy } from '../../policy/policy.ts';
import type { RunKind } from '../../run/kind.ts';
import { lastResults, newNodes } from '../../run/results/last-results.ts';
import { nodesWithoutHolder } from '../../run/results/lost-holders.ts';
import type { Run } from '../../run/run.ts';
import type { PolicyPass } from '../context.ts';

/** A kind of runs, and the policy or the beginning of a run. */
interface Subject {
  readonly kind: RunKind;
  readonly spec: Policy;
}

/** The names of the nodes that need a run between the scheduled ones: new ones, and those that lost their held pod. */
export function nodesToServe(pass: PolicyPass, subject: Subject, runs: readonly Run[]): ReadonlySet<string> {
  const { holders } = pass.journal;
  const pods = noteHolders(pass, runs);
  const seen = {
    pods,
    runOn: (node: string) => holders.runOn(node),
    isEmptied: (node: string, run: string) => holders.isEmptied(node, run),
  };
  const lost = nodesWithoutHolder(lastResults(runs), seen, pass.now);
  return new Set([...newNodes(pass.state.nodes, subject, runs), ...lost]);
}

/** Stores which nodes have held pods of the runs, and which of these nodes are under disk pressure. Returns the pods. */
export function noteHolders({ state, journal }: PolicyPass, runs: readonly Run[]): readonly RunPod[] {
  const { holders } = journal;
  const pods = runs
    .flatMap((run) => podsOf(state, run).filter((pod) => run.kind.isHeld(pod, run)))
    // The newest run is noted last, because an older pod may stay beside its pod.
    .sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime());
  for (const { node, run } of pods) holders.note(node, run);
  for (const { name, diskPressure } of state.nodes) if (diskPressure) holders.noteDiskPressure(name);
  holders.retain(new Set(state.nodes.map(({ name }) => name)));
  return pods;
}

const podsByRun = new WeakMap<ClusterState['pods'], ReadonlyMap<string, RunPod[]>>();

/** The pods of a run. They are grouped after a change of a pod, not for each run. */
export function podsOf({ pods }: Pick<ClusterState, 'pods'>, { name }: Pick<Run, 'name'>): readonly RunPod[] {
  const known = podsByRun.get(pods) ?? Map.groupBy(pods, ({ run }) => run);
  podsByRun.set(pods, known);
  return known.get(name) ?? [];
}
