import type { SharedResource } from '../kind.ts';
import { retryAtOf } from '../progress.ts';
import type { Run } from '../run.ts';
import { type Candidate, countResults, giveUpAt, isActive, isWaiting, type RunView } from './candidate.ts';

/** The maximum number of calls about pods in one step, so that other policies get their turn. */
export const maxCallsPerStep = 100;

/** The nodes that start in a step of a run. */
export interface NodesToStart {
  /** The nodes whose pods are created now. */
  readonly start: readonly Candidate[];
  /** The nodes to write to the record before. */
  readonly reserve: readonly Candidate[];
  /** True if more nodes may start than one step starts. */
  readonly isCut: boolean;
}

/**
 * The nodes whose pods are created now, within `parallelism`, and the nodes to reserve in the record. It reserves all
 * nodes that are known already, so that a run needs one write for them, not one for each wave. Replicas with the same
 * record start nodes in the same order, so each finds the pods of the other before it creates further ones. Nodes that
 * were tried before come first, because a canary is tried again before another starts. Refused nodes come last, because
 * the others must continue. Cordoned nodes come before the refused ones, because they may have a problem. The first canaries
 * are nodes on which the run before has succeeded: their failure shows a problem of the run, and not of a node.
 */
export function nodesToStart(view: RunView, candidates: readonly Candidate[], now: Date): NodesToStart {
  if (view.heldUntil !== undefined && view.heldUntil > now) return nothingToStart;
  const isWithCanary = isWithCanaries(view.run, candidates);
  const isUnproven = ({ name }: Candidate) => isWithCanary && view.provenNodes?.has(name) !== true;
  const startable = candidates
    .filter((candidate) => isWaiting(candidate) && (retryAtOf(candidate.progress) ?? 0) <= now.getTime())
    .filter(({ name }) => view.isAsking?.(name) !== true)
    .sort(
      (a, b) =>
        b.progress.attempts - a.progress.attempts ||
        Number(isRefused(a)) - Number(isRefused(b)) ||
        Number(isCordoned(a)) - Number(isCordoned(b)) ||
        Number(isUnproven(a)) - Number(isUnproven(b)),
    );
  const occupied = candidates.filter((candidate) => isOccupied(candidate, view.startTimeoutMs, now));
  const fitting = withinLimits(startable, occupied, view.run).slice(
    0,
    allowance(view.run, candidates, occupied.length),
  );
  const start = fitting.slice(0, maxCallsPerStep);
  const isCovered = start.every(isReserved);
  const next = isWithCanary ? start : startable;
  const reserve = isCovered ? [] : next.filter((candidate) => !isReserved(candidate));
  return { start, reserve, isCut: start.length < fitting.length };
}

/** The answer while no node may start. */
export const nothingToStart: NodesToStart = { start: [], reserve: [], isCut: false };

/** True until enough canaries have succeeded. */
function isWithCanaries({ spec }: Run, candidates: readonly Candidate[]): boolean {
  return countResults(candidates, 'Succeeded') < spec.rollout.canary;
}

/** The nodes that may start beside the occupied ones without exceeding the limit of a shared resource, in their order. */
function withinLimits(startable: readonly Candidate[], occupied: readonly Candidate[], run: Run): Candidate[] {
  const users = new Map<string, number>();
  const resourcesOf = ({ node }: Candidate) => (node === undefined ? [] : run.kind.resourcesOf(node, run));
  const use = ({ name }: SharedResource) => users.set(name, (users.get(name) ?? 0) + 1);
  for (const candidate of occupied) resourcesOf(candidate).forEach(use);
  return startable.filter((candidate) => {
    const resources = resourcesOf(candidate);
    if (resources.some(({ name, limit }) => (users.get(name) ?? 0) >= limit)) return false;
    resources.forEach(use);
    return true;
  });
}

/** The number of further nodes that may start now. */
function allowance(run: Run, candidates: readonly Candidate[], occupied: number): number {
  const { parallelism, canary } = run.spec.rollout;
  const meant = candidates.filter(
    ({ progress, eligibility }) => progress.attempts > 0 || eligibility.verdict === 'Eligible',
  );
  const limit =
    typeof parallelism === 'number' ? parallelism : Math.ceil((meant.length * Number.parseInt(parallelism, 10)) / 100);
  const canariesToGo = canary - countResults(candidates, 'Succeeded');
  const allowed = canariesToGo > 0 ? Math.min(limit, canariesToGo) : limit;
  return Math.max(0, allowed - occupied);
}

/**
 * True if a cleaner may be at work on the node. This is unknown on a lost node and in a pod that doesn't end. Such nodes
 * do not count, because they must not delay the others.
 */
function isOccupied(candidate: Candidate, startTimeoutMs: number, now: Date): boolean {
  const { progress, node, pod } = candidate;
  if (pod !== undefined && isActive(candidate)) {
    const isExpectedToEnd = node?.ready === true && giveUpAt(pod, startTimeoutMs) > now.getTime();
    return progress.state !== 'Settled' || isExpectedToEnd;
  }
  // A pod that could not be created, or that seems to be gone, may exist while the watch is late.
  const isUnseen = isRefused(candidate) || (progress.attempts > 0 && pod === undefined);
  return isUnseen && (retryAtOf(progress) ?? 0) > now.getTime() && isWaiting(candidate);
}

/** True if the record allows the next pod of the node. */
function isReserved({ progress }: Candidate): boolean {
  return progress.state === 'Reserved';
}

function isCordoned({ node }: Candidate): boolean {
  return node?.unschedulable === true;
}

/** True if the next pod of the node could not be created. */
function isRefused({ progress }: Candidate): boolean {
  return progress.state === 'Refused';
}
