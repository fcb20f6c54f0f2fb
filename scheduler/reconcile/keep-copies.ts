import type { PullVerdicts } from '../../contract/pull-verdicts.ts';
import type { NodeNeeds } from '../cluster.ts';
import { lastRemovalAt } from '../copies/copies.ts';
import type { Node, RunPod } from '../objects.ts';
import { hasEnded } from '../pods/state.ts';
import type { ListedImages } from '../pull-checks.ts';
import { podName } from '../run/names.ts';
import type { Run } from '../run/run.ts';
import type { PolicyPass } from './context.ts';
import { podsOf } from './nodes/nodes-to-serve.ts';

/** Notes the cleaners of all policies, if any policy may need to know where copies of images are. */
export function observeCleaners({ copies, cluster }: Pick<PolicyPass, 'copies' | 'cluster'>): void {
  // The state of the pass may be older than a pod that was created since.
  copies?.observe(cluster.state().pods, cluster.readClock());
}

/** The longest time for which a node waits for the lists of others. */
const maxAwaitMs = 60_000;

/** The newest lists of the nodes of a run, and the nodes that wait for the answers about theirs. */
interface Lists {
  readonly lists: ReadonlyMap<string, RunPod>;
  readonly asking: ReadonlySet<string>;
}

/**
 * The nodes that wait for the lists of others: a node that decides first finds no copies elsewhere, and keeps all of its own, also
 * if its disk is the fullest one.
 */
export function nodesAwaitingOthers(pass: PolicyPass, run: Run, { lists, asking }: Lists): ReadonlySet<string> {
  const { pullChecks, state } = pass;
  if (pullChecks === undefined || !sparesCopies(run)) return new Set();
  const isListing = (pod: RunPod) => !hasEnded(pod) && !lists.has(pod.node);
  if (asking.size === 0 && !podsOf(state, run).some(isListing)) return new Set();
  const fresh = [...lists].filter(([, pod]) => pullChecks.ageMsOf(pod) < maxAwaitMs);
  return new Set(fresh.map(([node]) => node));
}

/** The answers of registries about the images of a node that may go. */
interface Answered {
  readonly node: Node;
  readonly verdicts: PullVerdicts;
  readonly candidates: ListedImages['candidates'];
}

/**
 * The answers of registries, with the images that the node may lose because another node keeps a copy. From now on, it does not
 * count as a node that keeps them.
 */
export function withCopies(pass: PolicyPass, run: Run, { node, verdicts, candidates }: Answered): PullVerdicts {
  const { copies, cluster } = pass;
  if (copies === undefined || !sparesCopies(run)) return verdicts;
  const known = new Set(verdicts.pullable);
  const isPullable = (id: string) => candidates.get(id)?.some((name) => known.has(name)) === true;
  const [pullable, unpullable] = [
    [...candidates.keys()].filter(isPullable),
    [...candidates.keys()].filter((id) => !isPullable(id)),
  ];
  const { nodes, pods } = cluster.state();
  const { activeDeadlineSeconds } = run.spec;
  const isToServe = (name: string) => {
    const progress = run.nodes.get(name);
    return progress !== undefined && progress.state !== 'Settled';
  };
  const now = cluster.readClock();
  const question = { node: node.name, pullable, unpullable, nodes, pods, isToServe, activeDeadlineSeconds, now };
  const { spared, validUntil, note } = copies.allow(question);
  return { ...verdicts, copies: { spared: [...spared], until: validUntil.toISOString(), ...(note && { note }) } };
}

/** A pod that is created now. */
interface NewPod {
  readonly node: Node;
  readonly attempt: number;
  readonly needs: NodeNeeds;
}

/** Creates a pod. Notes it, if it only lists images, or removes only those that it was allowed. */
export async function createPod(pass: PolicyPass, run: Run, { node, attempt, needs }: NewPod): Promise<void> {
  const { copies, cluster } = pass;
  const create = () => cluster.createPod(run, node, attempt, needs);
  if (copies === undefined || !sparesCopies(run)) await create();
  else await copies.create(podName(run.name, node.name, attempt), endOf(run, needs), create);
}

/** The last time at which a pod removes anything; undefined for one that only lists images. */
function endOf({ spec }: Run, { pullVerdicts }: NodeNeeds): Date | undefined {
  if (pullVerdicts === undefined) return undefined;
  return lastRemovalAt(new Date(pullVerdicts.copies?.until ?? 0), spec.activeDeadlineSeconds);
}

function sparesCopies({ kind, spec }: Run): boolean {
  return kind.questions?.sparesCopies(spec) === true;
}
