import type { Node, RunPod } from '../objects.ts';
import { hasEnded } from '../pods/state.ts';
import { type Eligibility, eligibilityFor } from './eligibility.ts';
import {
  type BackingOff,
  backingOff,
  type Cause,
  type NodeProgress,
  settled,
  started,
  troubleOf,
  waiting,
} from './progress.ts';
import type { Run } from './run.ts';

/**
 * A kubelet that has no room for a pod is asked again so often. The pauses double up to five minutes, so that a node has
 * ten minutes to get room, and does not keep the run from its end for longer.
 */
const maxRejections = 8;

/** The facts on which a run is decided. */
export interface RunView {
  readonly run: Run;
  readonly nodes: readonly Node[];
  /** The pods of this run. */
  readonly pods: readonly RunPod[];
  /** A pod that doesn't start or doesn't end, or a node that isn't ready, is given up after so many milliseconds. */
  readonly startTimeoutMs: number;
  /** The warnings about pods that don't start, by pod name. */
  readonly podWarnings: ReadonlyMap<string, string>;
  /** The API server has refused all pods of the step before: no others are tried earlier. */
  readonly heldUntil?: Date | undefined;
  /** True if a newer run waits for this one to end: it waits no longer for nodes that are not ready. */
  readonly isAwaited?: boolean | undefined;
}

/** One node in the middle of a run. */
export interface Candidate {
  readonly name: string;
  /** Undefined once the node has left the cluster. */
  readonly node: Node | undefined;
  readonly eligibility: Eligibility;
  readonly progress: NodeProgress;
  /** The pod of the newest try, while it exists. */
  readonly pod: RunPod | undefined;
}

/** Brings every node that the run means, or has begun with, up to date with its newest pod; sorted by name. */
export function observeNodes(view: RunView, now: Date): Candidate[] {
  const { run } = view;
  const nodes = new Map(view.nodes.map((node) => [node.name, node]));
  const pods = newestPods(view.pods);
  const names = new Set([...run.nodes.keys(), ...pods.keys(), ...nodes.keys()]);
  const isOpen = now < deadlineOf(run) || [...pods.values()].some((pod) => isEnding(pod, run, now));
  return [...names].sort().flatMap((name) => {
    const pod = pods.get(name);
    const candidate = {
      name,
      node: nodes.get(name),
      eligibility: eligibilityOf(nodes.get(name), run),
      progress: withAttempt(run.nodes.get(name), pod),
      pod,
    };
    return isMeant(candidate) ? [{ ...candidate, progress: settle(candidate, view, isOpen, now) }] : [];
  });
}

/** True if the node's pod is there and has not ended. */
export function isActive({ pod }: Candidate): boolean {
  return pod !== undefined && !hasEnded(pod);
}

/** When a pod that was asked to end is waited for no longer, in milliseconds; never, where nobody has asked. */
export function giveUpAt({ deletionTimestamp }: RunPod, startTimeoutMs: number): number {
  return deletionTimestamp === undefined ? Number.POSITIVE_INFINITY : deletionTimestamp.getTime() + startTimeoutMs;
}

/** A pod without a time to be gone is asked to end at the run's deadline; if that is refused for so long, it counts no more. */
const maxLatenessMs = 600_000;
/** The kubelet needs a moment to tell how a container has ended. */
const reportDelayMs = 10_000;

/** Until when the report of a pod counts after the run's deadline, in milliseconds: until its grace period is over. */
export function lastReportAt({ deletionTimestamp }: RunPod, run: Run): number {
  return deletionTimestamp === undefined
    ? deadlineOf(run).getTime() + maxLatenessMs
    : deletionTimestamp.getTime() + reportDelayMs;
}

/** True if a pod of an unsettled node may still report. */
function isEnding(pod: RunPod, run: Run, now: Date): boolean {
  const isSettled = run.nodes.get(pod.node)?.state === 'Settled';
  return !isSettled && !hasEnded(pod) && now.getTime() < lastReportAt(pod, run);
}

/** When the run's time is over. */
export function deadlineOf({ startedAt, spec }: Run): Date {
  return new Date(startedAt.getTime() + spec.activeDeadlineSeconds * 1000);
}

/** True if the policy selects the node, or the run has begun with it. */
function isMeant({ progress: { attempts, state }, eligibility }: Candidate): boolean {
  return attempts > 0 || state === 'Reserved' || state === 'Refused' || eligibility.verdict !== 'NotSelected';
}

function eligibilityOf(node: Node | undefined, run: Run): Eligibility {
  return node === undefined ? { verdict: 'Ineligible', ...nodeRemoved } : eligibilityFor(run, run.trigger.type, node);
}

function newestPods(pods: readonly RunPod[]): Map<string, RunPod> {
  return new Map([...pods].sort((a, b) => a.attempt - b.attempt).map((pod) => [pod.node, pod]));
}

/** A pod proves its try, even where the record of it was lost with a scheduler that was killed. */
function withAttempt(before: NodeProgress = waiting, pod: RunPod | undefined): NodeProgress {
  return pod === undefined || pod.attempt < before.attempts ? before : started(before, pod.attempt);
}

/**
 * Decides what is known of the node now; a settled one stays as it is, unless its node has come back. Work that is done
 * outranks everything else. After the deadline the run is open while pods end: then all other nodes stay as they are.
 */
function settle(known: Candidate, view: RunView, isOpen: boolean, now: Date): NodeProgress {
  const candidate = hasReturned(known, view.run, now) ? { ...known, progress: unsettled(known.progress) } : known;
  const { node, progress } = candidate;
  if (progress.state === 'Settled') return progress;
  const pod = currentPod(candidate);
  const end = pod && view.run.kind.resultOf(pod);
  if (end?.kind === 'Done') return settled(progress, end.result, end);
  if (now >= deadlineOf(view.run)) return isOpen ? progress : settleAtDeadline(candidate, view.run);
  if (progress.attempts === 0) return progress;
  if (node === undefined) return settled(progress, 'Skipped', nodeRemoved);
  const placed = pod && { ...candidate, node, pod };
  const isActive = end?.kind === 'Active';
  switch (progress.state) {
    case 'Waiting':
      return progress;
    case 'Reserved':
    case 'Refused':
      return placed && isActive ? settleByPod(placed, view, now) : progress;
    case 'BackingOff':
      return placed && isActive ? settleByPod(placed, view, now) : settleAfterPause(progress, view.run, now);
    case 'Started':
      return placed ? settleByPod(placed, view, now) : afterPause(progress, podDeleted(view.run), now);
    default:
      return progress satisfies never;
  }
}

/** True if the node was left out because it had left the cluster, is there again, and may be tried. */
function hasReturned({ node, progress }: Candidate, run: Run, now: Date): boolean {
  const isLeftOut =
    progress.state === 'Settled' && progress.result === 'Skipped' && progress.reason === nodeRemoved.reason;
  return isLeftOut && node !== undefined && !isWornOut(progress, run) && now < deadlineOf(run);
}

function unsettled(progress: NodeProgress): NodeProgress {
  return progress.attempts === 0 ? waiting : started(progress, progress.attempts - 1);
}

const nodeRemoved = { reason: 'NodeRemoved', message: 'the node has left the cluster' } as const;

/** A node with the pod of its newest try, while both are there. */
interface Placed extends Candidate {
  readonly node: Node;
  readonly pod: RunPod;
}

/** The pod of the newest try. One that turns up late, after it was thought deleted, counts again. */
function currentPod({ pod, progress }: Candidate): RunPod | undefined {
  return pod?.attempt === progress.attempts - 1 ? pod : undefined;
}

function settleByPod(placed: Placed, view: RunView, now: Date): NodeProgress {
  const { progress, pod } = placed;
  const end = view.run.kind.resultOf(pod);
  switch (end.kind) {
    case 'Active':
      return settleByPatience(placed, view, now);
    case 'Done':
      return settled(progress, end.result, end);
    case 'NotDone':
      return retryOrFail(progress, end, view.run, now);
    case 'Rejected':
      return waitForRoom(progress, end.message, now);
    default:
      return end satisfies never;
  }
}

/** A pod that doesn't get started, doesn't end, or whose node is lost, is not waited for beyond a bound. */
function settleByPatience(placed: Placed, view: RunView, now: Date): NodeProgress {
  const { progress, pod } = placed;
  const trouble = troubleOfActive(placed, view, now);
  return trouble === undefined ? started(progress, pod.attempt) : settled(progress, 'Failed', trouble);
}

function troubleOfActive({ node, pod }: Placed, view: RunView, now: Date): Cause | undefined {
  const { worker, done } = view.run.kind.words;
  const limit = now.getTime() - view.startTimeoutMs;
  if (!node.ready && node.readySince.getTime() <= limit)
    return { reason: 'NodeLost', message: `the node became not ready while it was ${done}` };
  if (giveUpAt(pod, view.startTimeoutMs) <= now.getTime())
    return { reason: 'NotTerminated', message: `the ${worker} pod was deleted and stays` };
  if (pod.phase !== 'Pending' || pod.createdAt.getTime() > limit) return undefined;
  const obstacle = view.podWarnings.get(pod.name) ?? waitingReason(pod);
  return {
    reason: 'NotStarted',
    message: `the ${worker} did not start within ${view.startTimeoutMs / 1000} s: ${obstacle}`,
  };
}

function waitingReason(pod: RunPod): string {
  const words = [pod.containerReason, pod.containerMessage].filter((word) => word !== undefined);
  return words.length === 0 ? 'the kubelet gave no reason' : words.join(': ');
}

function settleAtDeadline({ eligibility, progress }: Candidate, run: Run): NodeProgress {
  if (progress.attempts === 0 && eligibility.verdict === 'Ineligible') return settled(progress, 'Skipped', eligibility);
  const trouble = troubleOf(progress);
  if (trouble?.reason === 'NodeFull') return settled(progress, 'Failed', trouble);
  const limit = `not finished within the run's activeDeadlineSeconds (${run.spec.activeDeadlineSeconds})`;
  const message = trouble?.message === undefined ? limit : `${limit}: ${trouble.reason}: ${trouble.message}`;
  return settled(progress, 'Failed', { reason: 'DeadlineExceeded', message });
}

/** Tries again after a pause, in the hope that the node has room then. This uses up none of the policy's restart limit. */
function waitForRoom(progress: NodeProgress, message: string, now: Date): NodeProgress {
  const rejections = progress.rejections + 1;
  const tries = { attempts: progress.attempts, rejections };
  const cause = { reason: 'NodeFull', message };
  if (rejections >= maxRejections) return settled(tries, 'Failed', cause);
  return backingOff(tries, cause, now.getTime() + pauseMs(rejections));
}

/** Tries again after a pause that doubles, as long as the policy's restart limit allows. */
function retryOrFail(progress: NodeProgress, cause: Cause, run: Run, now: Date): NodeProgress {
  return isWornOut(progress, run) ? settled(progress, 'Failed', cause) : afterPause(progress, cause, now);
}

/** A pod that seems to be gone may only not be heard of yet: also the last pod is given the pause to turn up. */
function settleAfterPause(progress: BackingOff, run: Run, now: Date): NodeProgress {
  return progress.retryAt > now.getTime() || !isWornOut(progress, run)
    ? progress
    : settled(progress, 'Failed', progress);
}

function podDeleted({ kind }: Run): Cause {
  return { reason: 'PodDeleted', message: `the ${kind.words.worker} pod was deleted before it finished` };
}

function afterPause(progress: NodeProgress, cause: Cause, now: Date): NodeProgress {
  return backingOff(progress, cause, now.getTime() + pauseMs(progress.attempts - progress.rejections));
}

function pauseMs(tries: number): number {
  return Math.min(5_000 * 2 ** (tries - 1), 300_000);
}

/** A pod that the node had no room for did not run, and does not count. */
function isWornOut({ attempts, rejections }: NodeProgress, run: Run): boolean {
  return attempts - rejections > run.spec.rollout.restartLimit;
}
