import type { Node } from '../../objects.ts';
import { hasEnded, isAtWork } from '../../pods/state.ts';
import { type NodeProgress, refused, reserved, retryAtOf, started, troubleOf, waiting } from '../progress.ts';
import type { Run } from '../run.ts';
import {
  type Candidate,
  deadlineOf,
  giveUpAt,
  isActive,
  isUnsettledAndActive,
  lastReportAt,
  type RunView,
} from './candidate.ts';
import {
  describeMissing,
  haltOf,
  isBusy,
  isMissing,
  isStillWaiting,
  phaseOf,
  settleLeftover,
  verdictOf,
} from './end.ts';
import { observeNodes } from './node-progress.ts';
import { maxCallsPerStep, nodesToStart, nothingToStart } from './nodes-to-start.ts';

/** The next step of a run. */
export interface RolloutStep {
  /** The run now, before the actions of this step. */
  readonly run: Run;
  /**
   * The nodes to write to the record before a pod is created, see {@link withReserved}: those of `start`, and the nodes
   * after them.
   */
  readonly reserve: readonly string[];
  /** The pods to create now. They do not count as tries yet, see {@link withStarted}. */
  readonly start: readonly { readonly node: Node; readonly attempt: number }[];
  /** The names of pods to delete: their nodes are settled or need another pod, or the deadline of the run has passed. */
  readonly stop: readonly string[];
  /** The names of pods to delete after the record has their results. Only injected containers run in them. */
  readonly tidy: readonly string[];
  /** The instant of the next look, even if nothing changes. */
  readonly wakeAt: Date | undefined;
}

/** Decides the next step of an active run: settles nodes, starts further ones, and ends the run if it is complete. */
export function advanceRun(view: RunView, now: Date): RolloutStep {
  const candidates = observeNodes(view, now);
  const halt = haltOf(view.run, candidates, now);
  const { reserve, start, isCut } = halt === undefined ? nodesToStart(view, candidates, now) : nothingToStart;
  const isOver = now >= deadlineOf(view.run);
  const stop = podsAtWork(candidates.filter((candidate) => isToStop(candidate, isOver)));
  const tidy = podsAtWork(candidates.filter(({ pod }) => pod !== undefined && hasEnded(pod)));
  const missing = halt === undefined && !isOver && view.isAwaited !== true ? candidates.filter(isMissing) : [];
  const isFinished = !isBusy(candidates, start) && !isStillWaiting(candidates, halt) && missing.length === 0;
  const nodes = isFinished ? candidates.map((candidate) => settleLeftover(candidate, halt, view.run, now)) : candidates;
  return {
    run: {
      ...view.run,
      ...(isFinished
        ? verdictOf(view.run, nodes, halt)
        : phaseOf(candidates, start, halt, describeMissing(missing, view.run))),
      finishedAt: isFinished ? now : undefined,
      nodes: new Map(nodes.map(({ name, progress }) => [name, progress])),
    },
    reserve: reserve.map(({ name }) => name),
    start: start.flatMap(({ node, progress }) => (node === undefined ? [] : [{ node, attempt: progress.attempts }])),
    stop: stop.slice(0, maxCallsPerStep),
    tidy: tidy.slice(0, maxCallsPerStep),
    wakeAt: isFinished
      ? undefined
      : isCut || stop.length > maxCallsPerStep
        ? now
        : nextOf(wakeTimes(view, candidates), now),
  };
}

/** The run with reserved nodes. A process that has written this to the record may create their next pods. */
export function withReserved(run: Run, names: readonly string[]): Run {
  return withProgress(run, names, (before) => reserved(before, troubleOf(before)));
}

/** The run with a further try on each of the nodes. It is called after their pods exist: a failed create is not a try. */
export function withStarted(run: Run, names: Iterable<string>): Run {
  return withProgress(run, names, (before) => started(before, before.attempts));
}

/**
 * The run with nodes on which no pod could be created. This is not a try, but the nodes wait, and keep the reason. They
 * count for `parallelism` meanwhile, because the pod may exist if only the answer was lost.
 */
export function withRefused(run: Run, errors: ReadonlyMap<string, unknown>, retryAt: Date): Run {
  return withProgress(run, errors.keys(), (before, name) =>
    refused(before, { reason: 'NotCreated', message: String(errors.get(name)) }, retryAt.getTime()),
  );
}

function withProgress(
  run: Run,
  names: Iterable<string>,
  change: (before: NodeProgress, name: string) => NodeProgress,
): Run {
  const changed = [...names].map((name) => [name, change(run.nodes.get(name) ?? waiting, name)] as const);
  return { ...run, nodes: new Map([...run.nodes, ...changed]) };
}

/** The pods in which a container runs, and which are not deleted yet. */
function podsAtWork(candidates: readonly Candidate[]): string[] {
  const pods = candidates.flatMap(({ pod }) => pod ?? []);
  return pods.filter((pod) => isAtWork(pod) && pod.deletionTimestamp === undefined).map(({ name }) => name);
}

/** True if the pod must end: its node is settled or needs another pod, or the deadline of the run has passed. */
function isToStop(candidate: Candidate, isOver: boolean): boolean {
  const { state } = candidate.progress;
  return isActive(candidate) && (isOver || state === 'Settled' || state === 'Continuing');
}

function wakeTimes({ run, startTimeoutMs, heldUntil }: RunView, candidates: readonly Candidate[]): number[] {
  const patience = candidates
    .filter(isUnsettledAndActive)
    .flatMap(({ node, pod, result }) => [
      ...(result?.kind === 'Active' && result.until !== undefined ? [result.until.getTime()] : []),
      ...(pod === undefined ? [] : [Math.max(lastReportAt(pod, run), deadlineOf(run).getTime())]),
      ...(pod?.phase === 'Pending' ? [pod.createdAt.getTime() + startTimeoutMs] : []),
      ...(node?.ready === false ? [node.readySince.getTime() + startTimeoutMs] : []),
    ]);
  const ends = candidates
    .filter(isActive)
    .flatMap(({ pod }) => (pod === undefined ? [] : giveUpAt(pod, startTimeoutMs)))
    .filter(Number.isFinite);
  const retries = candidates.flatMap(({ progress }) => retryAtOf(progress) ?? []);
  return [deadlineOf(run).getTime(), heldUntil?.getTime() ?? 0, ...patience, ...ends, ...retries];
}

function nextOf(times: readonly number[], now: Date): Date | undefined {
  const future = times.filter((time) => time > now.getTime());
  return future.length === 0 ? undefined : new Date(Math.min(...future));
}
