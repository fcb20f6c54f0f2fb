import type { Node } from '../objects.ts';
import { hasEnded, isAtWork } from '../pods/state.ts';
import { notReady } from './eligibility.ts';
import {
  type Candidate,
  deadlineOf,
  giveUpAt,
  isActive,
  lastReportAt,
  observeNodes,
  type RunView,
} from './node-progress.ts';
import { hasMissedTarget } from './outcome.ts';
import {
  type Cause,
  type NodeProgress,
  type NodeResult,
  refused,
  reserved,
  resultOf,
  retryAtOf,
  settled,
  started,
  troubleOf,
  waiting,
} from './progress.ts';
import type { Run } from './run.ts';

/** The maximum number of calls about pods in one step, so that other policies get their turn. */
export const maxCallsPerStep = 100;

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
  /** The names of pods to delete: their nodes are settled, or the deadline of the run has passed. */
  readonly stop: readonly string[];
  /** The names of pods to delete after the record has their results. Only injected containers run in them. */
  readonly tidy: readonly string[];
  /** The instant of the next look, even if nothing changes. */
  readonly wakeAt: Date | undefined;
}

/** The reason why no further node may start. With `isFinal`, the run ends when its active pods have ended. */
interface Halt {
  readonly reason: string;
  readonly message: string;
  readonly isFinal: boolean;
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
  const nodes = isFinished ? candidates.map((candidate) => settleLeftover(candidate, halt)) : candidates;
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

/** The run after a user resumed it: the failures so far no longer pause it. Each request counts once. */
export function resumeRun(run: Run, request: string | undefined): Run {
  if (run.phase !== 'Paused' || request === undefined || request === run.resumedBy) return run;
  const acknowledgedFailures = [...run.nodes.values()].filter((progress) => isFailure({ progress })).length;
  return { ...run, phase: 'Running', acknowledgedFailures, resumedBy: request };
}

/** The run after it was ended from outside, with any progress of its nodes. */
export function endRun(run: Run, reason: string, message: string, now: Date): Run {
  const nodes = [...run.nodes].map(([name, progress]): [string, NodeProgress] => [
    name,
    progress.state === 'Settled' ? progress : settled(progress, 'Skipped', { reason, message }),
  ]);
  return { ...run, phase: 'Failed', reason, message, finishedAt: now, nodes: new Map(nodes) };
}

/** The number of canaries that may fail because of their nodes, and are replaced. More failures have another cause. */
const maxLostCanaries = 3;

/**
 * True if a node has failed in a way that may stop a run. A full node does not show a problem of the policy or of the
 * cleaner.
 */
function isFailure({ progress }: Pick<Candidate, 'progress'>): boolean {
  return progress.state === 'Settled' && progress.result === 'Failed' && progress.reason !== 'NodeFull';
}

/** True if the node failed before its cleaner ran, or was lost while it ran. */
function isOfNode({ progress }: Candidate): boolean {
  return progress.state === 'Settled' && (progress.reason === 'NotStarted' || progress.reason === 'NodeLost');
}

/**
 * True if the deadline of the run has just ended the work on a node. The kubelet sets the same reason for a pod that
 * ended by its own deadline, but such a pod does not end the run.
 */
function isCutOff({ name, progress }: Candidate, run: Run): boolean {
  if (progress.state !== 'Settled' || run.nodes.get(name)?.state === 'Settled') return false;
  return progress.result === 'Failed' && progress.reason === 'DeadlineExceeded';
}

function haltOf(run: Run, candidates: readonly Candidate[], now: Date): Halt | undefined {
  const { canary, failurePolicy } = run.spec.rollout;
  const failures = candidates.filter(isFailure);
  const failed = failures.length;
  const isLate = (candidate: Candidate) => isUnsettledAndActive(candidate) || isCutOff(candidate, run);
  if (now >= deadlineOf(run) && candidates.some(isLate)) {
    return { reason: 'DeadlineExceeded', message: 'the run took longer than its activeDeadlineSeconds', isFinal: true };
  }
  if (failed === 0) return undefined;
  if (countResults(candidates, 'Succeeded') < canary) {
    if (failed <= maxLostCanaries && failures.every(isOfNode)) return undefined;
    return {
      reason: 'CanaryFailed',
      message: 'a canary node failed, so the other nodes were not started',
      isFinal: true,
    };
  }
  if (failurePolicy === 'FailFast') {
    return { reason: 'NodesFailed', message: 'a node failed, and failurePolicy is FailFast', isFinal: true };
  }
  if (failurePolicy === 'Pause' && failed > run.acknowledgedFailures) {
    const message = `${failed} nodes failed; to go on before ${deadlineOf(run).toISOString()}, when the run ends, set the annotation nodesweep.io/resume-at on the policy to a new value`;
    return { reason: 'NodesFailed', message, isFinal: false };
  }
  return undefined;
}

/** The pods in which a container runs, and which are not deleted yet. */
function podsAtWork(candidates: readonly Candidate[]): string[] {
  const pods = candidates.flatMap(({ pod }) => pod ?? []);
  return pods.filter((pod) => isAtWork(pod) && pod.deletionTimestamp === undefined).map(({ name }) => name);
}

/** True if the cleaner must end: its node is settled, or the deadline of the run has passed. */
function isToStop(candidate: Candidate, isOver: boolean): boolean {
  return isActive(candidate) && (isOver || candidate.progress.state === 'Settled');
}

function isUnsettledAndActive(candidate: Candidate): boolean {
  return candidate.progress.state !== 'Settled' && isActive(candidate);
}

/** True if the node is not settled and not ready. It gets a pod if it becomes ready in time. */
function isMissing(candidate: Candidate): boolean {
  const { progress, eligibility } = candidate;
  const isNotReady = eligibility.verdict === 'Ineligible' && eligibility.reason === notReady.reason;
  return isNotReady && progress.state !== 'Settled' && !isActive(candidate);
}

/**
 * The nodes whose pods are created now, within `parallelism`, and the nodes to reserve in the record. It reserves all
 * nodes that are known already, so that a run needs one write for them, not one for each wave. Replicas with the same
 * record start nodes in the same order, so each finds the pods of the other before it creates further ones. Nodes that
 * were tried before come first, because a canary is tried again before another starts. Refused nodes come last, because
 * the others must continue. Cordoned nodes come before the refused ones, because they may have a problem.
 */
function nodesToStart(view: RunView, candidates: readonly Candidate[], now: Date) {
  if (view.heldUntil !== undefined && view.heldUntil > now) return nothingToStart;
  const startable = candidates
    .filter((candidate) => isWaiting(candidate) && (retryAtOf(candidate.progress) ?? 0) <= now.getTime())
    .sort(
      (a, b) =>
        b.progress.attempts - a.progress.attempts ||
        Number(isRefused(a)) - Number(isRefused(b)) ||
        Number(isCordoned(a)) - Number(isCordoned(b)),
    );
  const fitting = startable.slice(0, allowance(view, candidates, now));
  const start = fitting.slice(0, maxCallsPerStep);
  const isCovered = start.every(isReserved);
  const next = isWithCanaries(view.run, candidates) ? start : startable;
  const reserve = isCovered ? [] : next.filter((candidate) => !isReserved(candidate));
  return { start, reserve, isCut: start.length < fitting.length };
}

const nothingToStart = { start: [], reserve: [], isCut: false };

/** True until enough canaries have succeeded. */
function isWithCanaries({ spec }: Run, candidates: readonly Candidate[]): boolean {
  return countResults(candidates, 'Succeeded') < spec.rollout.canary;
}

/** The number of further nodes that may start now. */
function allowance({ run, startTimeoutMs }: RunView, candidates: readonly Candidate[], now: Date): number {
  const { parallelism, canary } = run.spec.rollout;
  const meant = candidates.filter(
    ({ progress, eligibility }) => progress.attempts > 0 || eligibility.verdict === 'Eligible',
  );
  const limit =
    typeof parallelism === 'number' ? parallelism : Math.ceil((meant.length * Number.parseInt(parallelism, 10)) / 100);
  const canariesToGo = canary - countResults(candidates, 'Succeeded');
  const allowed = canariesToGo > 0 ? Math.min(limit, canariesToGo) : limit;
  return Math.max(0, allowed - candidates.filter((candidate) => isOccupied(candidate, startTimeoutMs, now)).length);
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

/** True if a node can still start, now or after a pause. */
function isWaiting(candidate: Candidate): boolean {
  const { progress, eligibility } = candidate;
  const isToStart = progress.state !== 'Started' && progress.state !== 'Settled';
  return isToStart && eligibility.verdict === 'Eligible' && !isActive(candidate);
}

type Verdict = Pick<Run, 'phase' | 'reason' | 'message'>;

/** True if a cleaner starts, or works on a node that is not settled. */
function isBusy(candidates: readonly Candidate[], start: readonly Candidate[]): boolean {
  return start.length > 0 || candidates.some(isUnsettledAndActive);
}

/** True if a waiting node may still start. */
function isStillWaiting(candidates: readonly Candidate[], halt: Halt | undefined): boolean {
  return halt?.isFinal !== true && candidates.some(isWaiting);
}

function phaseOf(
  candidates: readonly Candidate[],
  start: readonly Candidate[],
  halt: Halt | undefined,
  wait: Cause | undefined,
): Verdict {
  if (isBusy(candidates, start)) return { phase: 'Running', reason: undefined, message: undefined };
  if (halt === undefined) return { phase: 'Running', reason: wait?.reason, message: wait?.message };
  return { phase: 'Paused', reason: halt.reason, message: halt.message };
}

const maxNames = 5;

/** The reason why a run continues without a cleaner at work. */
function describeMissing(missing: readonly Candidate[], run: Run): Cause | undefined {
  if (missing.length === 0) return undefined;
  const names = missing.slice(0, maxNames).map(({ name }) => name);
  const others = missing.length > maxNames ? ` and ${missing.length - maxNames} others` : '';
  const end = `until ${deadlineOf(run).toISOString()} or the next run`;
  return {
    reason: 'NodesNotReady',
    message: `waits ${end} for nodes that are not ready: ${names.join(', ')}${others}`,
  };
}

function verdictOf(run: Run, candidates: readonly Candidate[], halt: Halt | undefined): Verdict {
  if (halt?.isFinal) return { phase: 'Failed', reason: halt.reason, message: halt.message };
  const { done } = run.kind.words;
  const total = candidates.length;
  const failed = countResults(candidates, 'Failed');
  const succeeded = countResults(candidates, 'Succeeded');
  if (failed > 0) return { phase: 'Failed', reason: 'NodesFailed', message: `${failed} of ${total} nodes failed` };
  if (total === 0) {
    return {
      phase: 'Failed',
      reason: 'NoMatchingNodes',
      message: 'no node of the cluster matches the policy: check its field nodes, and the labels of the nodes',
    };
  }
  if (succeeded === 0)
    return { phase: 'Failed', reason: 'NoEligibleNodes', message: `none of the matching nodes could be ${done}` };
  const message = `${succeeded} of ${total} nodes ${run.spec.dryRun ? 'planned' : done}`;
  const missed = candidates.filter(({ progress }) => hasMissedTarget(progress)).length;
  if (missed === 0) return { phase: 'Succeeded', reason: 'Completed', message };
  return { phase: 'Succeeded', reason: 'TargetNotMet', message: `${message}, ${missed} of them not to their target` };
}

/**
 * Settles a node at the end of the run. A node that was tried without success has failed. Any other was skipped, because
 * of the node itself or because the run stopped before it.
 */
function settleLeftover(candidate: Candidate, halt: Halt | undefined): Candidate {
  const { progress } = candidate;
  if (progress.state === 'Settled') return candidate;
  const trouble = troubleOf(progress);
  if (progress.attempts > 0 && trouble !== undefined)
    return { ...candidate, progress: settled(progress, 'Failed', trouble) };
  return { ...candidate, progress: settled(progress, 'Skipped', causeOfSkip(candidate, halt)) };
}

function causeOfSkip({ eligibility }: Candidate, halt: Halt | undefined): Cause {
  if (eligibility.verdict === 'Ineligible') return eligibility;
  return halt ?? { reason: 'NotSelected', message: 'the policy does not select the node any more' };
}

function wakeTimes({ run, startTimeoutMs, heldUntil }: RunView, candidates: readonly Candidate[]): number[] {
  const patience = candidates
    .filter(isUnsettledAndActive)
    .flatMap(({ node, pod }) => [
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

function countResults(candidates: readonly Candidate[], result: NodeResult): number {
  return candidates.filter(({ progress }) => resultOf(progress) === result).length;
}
