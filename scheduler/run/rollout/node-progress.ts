import { doublingPauseMs } from '../../journal/doubling-pause.ts';
import type { Node, RunPod } from '../../objects.ts';
import { hasEnded, hasStarted } from '../../pods/state.ts';
import type { PodResult } from '../kind.ts';
import {
  type BackingOff,
  backingOff,
  type Cause,
  continuing,
  type NodeProgress,
  nodeLost,
  settled,
  started,
  troubleOf,
  waiting,
} from '../progress.ts';
import type { Run } from '../run.ts';
import { type Candidate, deadlineOf, factsOf, giveUpAt, isActive, lastReportAt, type RunView } from './candidate.ts';
import { type Eligibility, eligibilityFor, nodeRemoved } from './eligibility.ts';

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
    const candidate = withReturn(
      {
        name,
        node: nodes.get(name),
        eligibility: eligibilityOf(nodes.get(name), view),
        progress: withAttempt(run.nodes.get(name), pod),
        pod,
      },
      run,
      now,
    );
    return isMeant(candidate) ? [observe(candidate, view, isOpen, now)] : [];
  });
}

/** The candidate with the result of its newest pod, and with the progress that follows. */
function observe(candidate: Candidate, view: RunView, isOpen: boolean, now: Date): Candidate {
  const { progress } = candidate;
  if (progress.state === 'Settled') return candidate;
  const result = readResult(candidate, view, now);
  const memory = result !== undefined && 'memory' in result ? result.memory : undefined;
  const known = memory === undefined ? progress : { ...progress, memory };
  const observed = { ...candidate, progress: known, result };
  return { ...observed, progress: settle(observed, view, isOpen, now) };
}

/** The result of the newest pod. A pod that has done its part has no other result, also while it ends. */
function readResult(candidate: Candidate, { run, dueOn, earlierOn }: RunView, now: Date): PodResult | undefined {
  const { node, progress } = candidate;
  const pod = progress.isPartDone ? undefined : currentPod(candidate);
  const due = (memory: unknown) => (node && dueOn?.(node, memory)) ?? [];
  const earlier = earlierOn && (() => earlierOn(candidate.name));
  return pod && run.kind.resultOf(pod, { ...factsOf(candidate, run, now), due, earlier });
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

function eligibilityOf(node: Node | undefined, { run, newNodes, dueOn }: RunView): Eligibility {
  return node === undefined
    ? { verdict: 'Ineligible', ...nodeRemoved }
    : eligibilityFor(run, node, { newNodes, dueOn });
}

function newestPods(pods: readonly RunPod[]): Map<string, RunPod> {
  return new Map([...pods].sort((a, b) => a.attempt - b.attempt).map((pod) => [pod.node, pod]));
}

/** A pod proves its try, also if a scheduler was killed before it could record the try. */
function withAttempt(before: NodeProgress = waiting, pod: RunPod | undefined): NodeProgress {
  return pod === undefined || pod.attempt < before.attempts ? before : started(before, pod.attempt);
}

/**
 * Decides the progress of a node that is not settled. The result of its pod has priority over all other facts. After the
 * deadline, while pods end (`isOpen`), the other nodes do not change.
 */
function settle(candidate: Candidate, view: RunView, isOpen: boolean, now: Date): NodeProgress {
  const { node, progress, result } = candidate;
  if (result?.kind === 'Done') return settled(progress, result.result, result);
  if (now >= deadlineOf(view.run)) return isOpen ? progress : settleAtDeadline(candidate, view.run, now);
  if (progress.attempts === 0) return progress;
  if (node === undefined) return settled(progress, 'Skipped', nodeRemoved);
  const pod = currentPod(candidate);
  const placed = pod && { ...candidate, node, pod };
  const isAtWork = result?.kind === 'Active';
  switch (progress.state) {
    case 'Waiting':
    case 'Settled':
      return progress;
    case 'Reserved':
    case 'Refused':
      return placed && isAtWork ? settleByPod(placed, result, view, now) : progress;
    case 'Continuing':
      return placed && isActive(placed) ? settleByPatience(placed, view, now) : progress;
    case 'BackingOff':
      return placed && isAtWork
        ? settleByPod(placed, result, view, now)
        : settleAfterPause(candidate, progress, view.run, now);
    case 'Started':
      return placed && result
        ? settleByPod(placed, result, view, now)
        : afterPause(progress, podDeleted(view.run), now);
    default:
      return progress satisfies never;
  }
}

/** A settled node does not change, unless it has come back to the cluster. */
function withReturn(candidate: Candidate, run: Run, now: Date): Candidate {
  return hasReturned(candidate, run, now) ? { ...candidate, progress: unsettled(candidate.progress) } : candidate;
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

/** A node with the pod of its newest try, while both exist. */
interface Placed extends Candidate {
  readonly node: Node;
  readonly pod: RunPod;
}

/** The pod of the newest try. A pod that the watch shows late, after it seemed deleted, counts again. */
function currentPod({ pod, progress }: Candidate): RunPod | undefined {
  return pod?.attempt === progress.attempts - 1 ? pod : undefined;
}

function settleByPod(placed: Placed, result: PodResult, view: RunView, now: Date): NodeProgress {
  const { progress } = placed;
  switch (result.kind) {
    case 'Active':
      return settleByPatience(placed, view, now);
    case 'Continue':
      return continuing({ ...progress, parts: progress.parts + 1 }, (result.retryAt ?? now).getTime());
    case 'Done':
      return settled(progress, result.result, result);
    case 'NotDone':
      return isWornOut(progress, view.run)
        ? settleByEngine(placed, result, view.run, now)
        : afterPause(progress, result, now);
    case 'Rejected':
      return waitForRoom(placed, result.message, view.run, now);
    default:
      return result satisfies never;
  }
}

/** The node has failed for a cause that is not a result of its pod. It keeps the figures so far and the remembered cause. */
function settleByEngine(candidate: Candidate, { reason, message }: Cause, run: Run, now: Date): NodeProgress {
  const { tally, message: remembered } = run.kind.endingOf(factsOf(candidate, run, now));
  const words = [message, remembered].filter((part) => part !== undefined).join(': ');
  return settled(candidate.progress, 'Failed', { reason, message: words, tally });
}

/** Limits the wait for a pod that doesn't start, that doesn't end, or whose node is lost. */
function settleByPatience(placed: Placed, view: RunView, now: Date): NodeProgress {
  const { progress, pod } = placed;
  const trouble = troubleOfActive(placed, view, now);
  if (trouble !== undefined) return settleByEngine(placed, trouble, view.run, now);
  return progress.state === 'Continuing' ? progress : started(progress, pod.attempt);
}

function troubleOfActive({ node, pod }: Placed, view: RunView, now: Date): Cause | undefined {
  const { worker, done } = view.run.kind.words;
  const limit = now.getTime() - view.startTimeoutMs;
  if (!node.ready && node.readySince.getTime() <= limit)
    return { reason: nodeLost, message: `the node became not ready while it was ${done}` };
  if (giveUpAt(pod, view.startTimeoutMs) <= now.getTime())
    return { reason: 'NotTerminated', message: `the ${worker} pod was deleted and stays` };
  if (hasStarted(pod) || pod.createdAt.getTime() > limit) return undefined;
  const obstacle = view.podWarnings.get(pod.name) ?? waitingReason(pod);
  return {
    reason: 'NotStarted',
    message: `the ${worker} did not start within ${view.startTimeoutMs / 1000} s: ${obstacle}`,
  };
}

/** The words of the first container that waits: the others of a pod wait for it. */
function waitingReason({ containerReason, containerMessage, containers = [] }: RunPod): string {
  const [first] = containers.flatMap(({ state }) => (state.type === 'Waiting' ? [state] : []));
  const words = [containerReason ?? first?.reason, containerMessage ?? first?.message].filter(Boolean);
  return words.length === 0 ? 'the kubelet gave no reason' : words.join(': ');
}

function settleAtDeadline(candidate: Candidate, run: Run, now: Date): NodeProgress {
  const { eligibility, progress } = candidate;
  if (progress.attempts === 0 && eligibility.verdict === 'Ineligible') return settled(progress, 'Skipped', eligibility);
  const ending = run.kind.endingOf(factsOf(candidate, run, now));
  const trouble = troubleOf(progress) ?? ending;
  if (trouble.reason === 'NodeFull') return settleByEngine(candidate, { ...trouble, reason: 'NodeFull' }, run, now);
  const limit = `not finished within the run's activeDeadlineSeconds (${run.spec.activeDeadlineSeconds})`;
  const message = trouble.message === undefined ? limit : `${limit}: ${trouble.reason}: ${trouble.message}`;
  return settled(progress, 'Failed', { reason: 'DeadlineExceeded', message, tally: ending.tally });
}

/**
 * Tries again after a pause, because the node may have room then. This does not count towards the restart limit of the
 * policy.
 */
function waitForRoom(candidate: Candidate, message: string, run: Run, now: Date): NodeProgress {
  const rejections = candidate.progress.rejections + 1;
  const progress = { ...candidate.progress, rejections };
  const cause = { reason: 'NodeFull', message };
  if (rejections >= maxRejections) return settleByEngine({ ...candidate, progress }, cause, run, now);
  return backingOff(progress, cause, now.getTime() + doublingPauseMs(rejections, pauses));
}

/** A pod that seems to be gone may appear when the watch is late, so the node waits for the pause after its last pod too. */
function settleAfterPause(candidate: Candidate, progress: BackingOff, run: Run, now: Date): NodeProgress {
  return progress.retryAt > now.getTime() || !isWornOut(progress, run)
    ? progress
    : settleByEngine(candidate, progress, run, now);
}

function podDeleted({ kind }: Run): Cause {
  return { reason: 'PodDeleted', message: `the ${kind.words.worker} pod was deleted before it finished` };
}

function afterPause(progress: NodeProgress, cause: Cause, now: Date): NodeProgress {
  return backingOff(progress, cause, now.getTime() + doublingPauseMs(countTries(progress), pauses));
}

/** True if the tries are used up. */
function isWornOut(progress: NodeProgress, run: Run): boolean {
  return countTries(progress) > run.spec.rollout.restartLimit;
}

/** The number of pods that ran and did not do their part. A pod for which the node had no room did not run. */
function countTries({ attempts, rejections, parts }: NodeProgress): number {
  return attempts - rejections - parts;
}
