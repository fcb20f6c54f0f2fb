import { doublingPauseMs } from '../journal/doubling-pause.ts';
import type { Node, RunPod } from '../objects.ts';
import { hasEnded } from '../pods/state.ts';
import { type Candidate, deadlineOf, giveUpAt, lastReportAt, type RunView } from './candidate.ts';
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

/** The pauses of a node between its tries. */
const pauses = { firstMs: 5_000, maxMs: 300_000 };

/**
 * The maximum number of rejections by a kubelet that has no room for a pod. The pauses double up to five minutes, so a
 * node has ten minutes to get room, and does not delay the end of the run for longer.
 */
const maxRejections = 8;

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

/** True if a pod of an unsettled node may still report. */
function isEnding(pod: RunPod, run: Run, now: Date): boolean {
  const isSettled = run.nodes.get(pod.node)?.state === 'Settled';
  return !isSettled && !hasEnded(pod) && now.getTime() < lastReportAt(pod, run);
}

/** True if the policy selects the node, or the run has started on it. */
function isMeant({ progress: { attempts, state }, eligibility }: Candidate): boolean {
  return attempts > 0 || state === 'Reserved' || state === 'Refused' || eligibility.verdict !== 'NotSelected';
}

function eligibilityOf(node: Node | undefined, run: Run): Eligibility {
  return node === undefined ? { verdict: 'Ineligible', ...nodeRemoved } : eligibilityFor(run, run.trigger.type, node);
}

function newestPods(pods: readonly RunPod[]): Map<string, RunPod> {
  return new Map([...pods].sort((a, b) => a.attempt - b.attempt).map((pod) => [pod.node, pod]));
}

/** A pod proves its try, also if a scheduler was killed before it could record the try. */
function withAttempt(before: NodeProgress = waiting, pod: RunPod | undefined): NodeProgress {
  return pod === undefined || pod.attempt < before.attempts ? before : started(before, pod.attempt);
}

/**
 * Decides the progress of the node now. A settled node does not change, unless it has come back to the cluster. A
 * finished pod has priority over all other facts. After the deadline, while pods end (`isOpen`), the other nodes do not
 * change.
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

/** True if the node was skipped because it had left the cluster, is back, and may be tried. */
function hasReturned({ node, progress }: Candidate, run: Run, now: Date): boolean {
  const isLeftOut =
    progress.state === 'Settled' && progress.result === 'Skipped' && progress.reason === nodeRemoved.reason;
  return isLeftOut && node !== undefined && !isWornOut(progress, run) && now < deadlineOf(run);
}

function unsettled(progress: NodeProgress): NodeProgress {
  return progress.attempts === 0 ? waiting : started(progress, progress.attempts - 1);
}

const nodeRemoved = { reason: 'NodeRemoved', message: 'the node has left the cluster' } as const;

/** A node with the pod of its newest try, while both exist. */
interface Placed extends Candidate {
  readonly node: Node;
  readonly pod: RunPod;
}

/** The pod of the newest try. A pod that the watch shows late, after it seemed deleted, counts again. */
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

/** Limits the wait for a pod that doesn't start, that doesn't end, or whose node is lost. */
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

/**
 * Tries again after a pause, because the node may have room then. This does not count towards the restart limit of the
 * policy.
 */
function waitForRoom(progress: NodeProgress, message: string, now: Date): NodeProgress {
  const rejections = progress.rejections + 1;
  const tries = { attempts: progress.attempts, rejections };
  const cause = { reason: 'NodeFull', message };
  if (rejections >= maxRejections) return settled(tries, 'Failed', cause);
  return backingOff(tries, cause, now.getTime() + doublingPauseMs(rejections, pauses));
}

/** Tries again after a pause, as long as the restart limit of the policy allows. The pauses double. */
function retryOrFail(progress: NodeProgress, cause: Cause, run: Run, now: Date): NodeProgress {
  return isWornOut(progress, run) ? settled(progress, 'Failed', cause) : afterPause(progress, cause, now);
}

/** A pod that seems to be gone may appear when the watch is late, so the node waits for the pause after its last pod too. */
function settleAfterPause(progress: BackingOff, run: Run, now: Date): NodeProgress {
  return progress.retryAt > now.getTime() || !isWornOut(progress, run)
    ? progress
    : settled(progress, 'Failed', progress);
}

function podDeleted({ kind }: Run): Cause {
  return { reason: 'PodDeleted', message: `the ${kind.words.worker} pod was deleted before it finished` };
}

function afterPause(progress: NodeProgress, cause: Cause, now: Date): NodeProgress {
  return backingOff(progress, cause, now.getTime() + doublingPauseMs(progress.attempts - progress.rejections, pauses));
}

/** True if the tries are used up. A pod for which the node had no room did not run, and does not count. */
function isWornOut({ attempts, rejections }: NodeProgress, run: Run): boolean {
  return attempts - rejections > run.spec.rollout.restartLimit;
}
