import type { Node, RunPod } from '../../objects.ts';
import { hasEnded } from '../../pods/state.ts';
import type { EarlierWork, PodFacts, PodResult } from '../kind.ts';
import { type NodeProgress, type NodeResult, resultOf } from '../progress.ts';
import type { Run } from '../run.ts';
import type { Eligibility, NodeLists } from './eligibility.ts';

/** The facts that decide the next step of a run. */
export interface RunView extends NodeLists {
  readonly run: Run;
  readonly nodes: readonly Node[];
  /** The pods of this run. */
  readonly pods: readonly RunPod[];
  /** The time in milliseconds after which the run gives up a pod that doesn't start or end, or a node that isn't ready. */
  readonly startTimeoutMs: number;
  /** The warnings about pods that don't start, by pod name. */
  readonly podWarnings: ReadonlyMap<string, string>;
  /** No pod is created before this instant, because the API server refused all pods of the last step. */
  readonly heldUntil?: Date | undefined;
  /** True for a node whose next pod waits for the answers of registries. */
  readonly isAsking?: ((node: string) => boolean) | undefined;
  /** The nodes on which the run before has succeeded. They are the first canaries. */
  readonly provenNodes?: ReadonlySet<string> | undefined;
  /** The work of the other runs on a node. */
  readonly earlierOn?: ((node: string) => EarlierWork) | undefined;
  /** True if a newer run waits for the end of this one. Then this one does not wait for nodes that are not ready. */
  readonly isAwaited?: boolean | undefined;
}

/** One node of an active run. */
export interface Candidate {
  readonly name: string;
  /** Undefined once the node has left the cluster. */
  readonly node: Node | undefined;
  readonly eligibility: Eligibility;
  readonly progress: NodeProgress;
  /** The newest pod, while it exists. */
  readonly pod: RunPod | undefined;
  /** The result of that pod; undefined if it no longer matters to the node. */
  readonly result?: PodResult | undefined;
}

/** The facts for the kind of the run about a node. */
export function factsOf({ node, progress }: Candidate, run: Run, now: Date): PodFacts {
  return { run, node, before: progress.memory, now };
}

/** True if the pod of the node exists and has not ended. */
export function isActive({ pod }: Candidate): boolean {
  return pod !== undefined && !hasEnded(pod);
}

/** The end of the wait for a deleted pod, in milliseconds since the epoch; infinite for a pod that is not deleted. */
export function giveUpAt({ deletionTimestamp }: RunPod, startTimeoutMs: number): number {
  return deletionTimestamp === undefined ? Number.POSITIVE_INFINITY : deletionTimestamp.getTime() + startTimeoutMs;
}

/** The time after the deadline of a run for which a pod that could not be deleted still counts. */
const maxLatenessMs = 600_000;
/** The kubelet needs some time to report the end of a container. */
const reportDelayMs = 10_000;

/** The last time at which the report of a pod counts, in milliseconds since the epoch: the end of its grace period. */
export function lastReportAt({ deletionTimestamp }: RunPod, run: Run): number {
  return deletionTimestamp === undefined
    ? deadlineOf(run).getTime() + maxLatenessMs
    : deletionTimestamp.getTime() + reportDelayMs;
}

/** The deadline of the run. */
export function deadlineOf({ startedAt, spec }: Run): Date {
  return new Date(startedAt.getTime() + spec.activeDeadlineSeconds * 1000);
}

/** True if the node is not settled, and its pod has not ended. */
export function isUnsettledAndActive(candidate: Candidate): boolean {
  return candidate.progress.state !== 'Settled' && isActive(candidate);
}

/** True if a node can still start, now or after a pause. */
export function isWaiting(candidate: Candidate): boolean {
  const { progress, eligibility } = candidate;
  const isToStart = progress.state !== 'Started' && progress.state !== 'Settled';
  return isToStart && eligibility.verdict === 'Eligible' && !isActive(candidate);
}

/** The number of nodes with a result. */
export function countResults(candidates: readonly Candidate[], result: NodeResult): number {
  return candidates.filter(({ progress }) => resultOf(progress) === result).length;
}
