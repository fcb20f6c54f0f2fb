import type { Report } from '../../contract/report.ts';
import { hasEnded, podResult } from '../cleanup/pod.ts';
import type { CleanerPod, Node } from '../objects.ts';
import { judgePressed } from '../policy/pressure-trigger.ts';
import { type Eligibility, judgeNode } from './eligibility.ts';
import type { NodeProgress, Run } from './run.ts';
import { tallyOf } from './summary.ts';

const maxMessageLength = 300;

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
  readonly pods: readonly CleanerPod[];
  /** A pod that doesn't start or doesn't end, or a node that isn't ready, is given up after so many milliseconds. */
  readonly startTimeoutMs: number;
  /** The warnings about pods that don't start, by pod name. */
  readonly podWarnings: ReadonlyMap<string, string>;
  /** The API server has refused all pods of the step before: no others are tried earlier. */
  readonly heldUntil?: Date | undefined;
}

/** One node in the middle of a run. */
export interface Candidate {
  readonly name: string;
  /** Undefined once the node has left the cluster. */
  readonly node: Node | undefined;
  readonly eligibility: Eligibility;
  readonly progress: NodeProgress;
  /** The pod of the newest try, while it exists. */
  readonly pod: CleanerPod | undefined;
}

/** Brings every node that the run means, or has begun with, up to date with its newest pod; sorted by name. */
export function observeNodes(view: RunView, now: Date): Candidate[] {
  const { run } = view;
  const nodes = new Map(view.nodes.map((node) => [node.name, node]));
  const pods = newestPods(view.pods);
  const names = new Set([...run.nodes.keys(), ...pods.keys(), ...nodes.keys()]);
  return [...names].sort().flatMap((name) => {
    const pod = pods.get(name);
    const candidate = {
      name,
      node: nodes.get(name),
      eligibility: eligibilityOf(nodes.get(name), run),
      progress: withAttempt(run.nodes.get(name), pod),
      pod,
    };
    const { attempts, starting } = candidate.progress;
    const isMeant = attempts > 0 || starting === true || candidate.eligibility.verdict !== 'NotSelected';
    return isMeant ? [{ ...candidate, progress: settle(candidate, view, now) }] : [];
  });
}

/** True if the node's pod is there and has not ended. */
export function isActive({ pod }: Candidate): boolean {
  return pod !== undefined && !hasEnded(pod);
}

/** When a pod that was asked to end is waited for no longer, in milliseconds; never, where nobody has asked. */
export function giveUpAt({ deletionTimestamp }: CleanerPod, startTimeoutMs: number): number {
  return deletionTimestamp === undefined ? Number.POSITIVE_INFINITY : deletionTimestamp.getTime() + startTimeoutMs;
}

/** When the run's time is over. */
export function deadlineOf({ startedAt, spec }: Run): Date {
  return new Date(startedAt.getTime() + spec.activeDeadlineSeconds * 1000);
}

/** The part of a node's progress that further tries add to. */
export function triesOf({ attempts, rejections }: NodeProgress = { attempts: 0 }): NodeProgress {
  return rejections === undefined ? { attempts } : { attempts, rejections };
}

function eligibilityOf(node: Node | undefined, run: Run): Eligibility {
  if (node !== undefined)
    return run.trigger.type === 'Pressure' ? judgePressed(node, run.spec.nodes) : judgeNode(node, run.spec.nodes);
  return { verdict: 'Ineligible', reason: 'NodeRemoved', message: 'the node has left the cluster' };
}

function newestPods(pods: readonly CleanerPod[]): Map<string, CleanerPod> {
  return new Map([...pods].sort((a, b) => a.attempt - b.attempt).map((pod) => [pod.node, pod]));
}

/** A pod proves its try, even where the record of it was lost with a scheduler that was killed. */
function withAttempt(before: NodeProgress = { attempts: 0 }, pod: CleanerPod | undefined): NodeProgress {
  if (pod === undefined || pod.attempt < before.attempts) return before;
  return { ...triesOf(before), attempts: pod.attempt + 1 };
}

/** Decides what is known of the node now; a settled one stays as it is. What a cleaner reported outranks everything else. */
function settle(candidate: Candidate, view: RunView, now: Date): NodeProgress {
  const { node, progress } = candidate;
  if (progress.result !== undefined) return progress;
  const pod = currentPod(candidate);
  const end = pod && podResult(pod);
  if (end?.kind === 'Reported' && end.report.outcome !== 'Failed') {
    return settleByReport(progress, end.report, view.run, now);
  }
  if (now >= deadlineOf(view.run)) return settleAtDeadline(candidate, view.run);
  if (progress.attempts === 0) return progress;
  if (node === undefined) return skip(candidate, 'NodeRemoved', 'the node has left the cluster');
  if (progress.starting && end?.kind !== 'Active') return progress;
  if (progress.retryAt !== undefined && end?.kind !== 'Active') return settleAfterPause(progress, view.run, now);
  if (pod !== undefined) return settleByPod(triesOf(progress), pod, node, view, now);
  return afterPause(triesOf(progress), 'PodDeleted', 'the cleaner pod was deleted before it finished', now);
}

/** The pod of the newest try. One that turns up late, after it was thought deleted, counts again. */
function currentPod({ pod, progress }: Candidate): CleanerPod | undefined {
  return pod?.attempt === progress.attempts - 1 ? pod : undefined;
}

function settleByPod(progress: NodeProgress, pod: CleanerPod, node: Node, view: RunView, now: Date): NodeProgress {
  const end = podResult(pod);
  switch (end.kind) {
    case 'Active':
      return settleByPatience(progress, pod, node, view, now);
    case 'Lost':
      if (end.lacksRoom) return waitForRoom(progress, pod, now);
      return retryOrFail(progress, view.run, end.reason, end.message, now);
    case 'Reported':
      return settleByReport(progress, end.report, view.run, now);
    default:
      return end satisfies never;
  }
}

function settleByReport(progress: NodeProgress, report: Report, run: Run, now: Date): NodeProgress {
  const [error] = report.errors;
  const message = error && brief(`${error.image ? `${error.image}: ` : ''}${error.message}`);
  const { attempts } = progress;
  switch (report.outcome) {
    case 'Succeeded':
    case 'DryRun':
      return { attempts, result: 'Succeeded', reason: error?.reason, message, tally: tallyOf(report) };
    case 'PartiallyFailed':
      return {
        attempts,
        result: 'Failed',
        reason: error?.reason ?? 'RemovalsFailed',
        message: message ?? 'some images could not be removed',
        tally: tallyOf(report),
      };
    case 'Failed':
      return retryOrFail(
        progress,
        run,
        error?.reason ?? 'CleanerFailed',
        message ?? 'the cleaner attempted nothing',
        now,
      );
    default:
      return report.outcome satisfies never;
  }
}

/** A pod that doesn't get started, doesn't end, or whose node is lost, is not waited for beyond a bound. */
function settleByPatience(progress: NodeProgress, pod: CleanerPod, node: Node, view: RunView, now: Date): NodeProgress {
  const limit = now.getTime() - view.startTimeoutMs;
  if (!node.ready && node.readySince.getTime() <= limit) {
    return {
      ...progress,
      result: 'Failed',
      reason: 'NodeLost',
      message: 'the node became not ready while it was cleaned',
    };
  }
  if (giveUpAt(pod, view.startTimeoutMs) <= now.getTime()) {
    return { ...progress, result: 'Failed', reason: 'NotTerminated', message: 'the cleaner pod was deleted and stays' };
  }
  if (pod.phase !== 'Pending' || pod.createdAt.getTime() > limit) return progress;
  const trouble = view.podWarnings.get(pod.name) ?? waitingReason(pod);
  const message = brief(`the cleaner did not start within ${view.startTimeoutMs / 1000} s: ${trouble}`);
  return { ...progress, result: 'Failed', reason: 'NotStarted', message };
}

function waitingReason(pod: CleanerPod): string {
  const words = [pod.containerReason, pod.containerMessage].filter((word) => word !== undefined);
  return words.length === 0 ? 'the kubelet gave no reason' : words.join(': ');
}

function settleAtDeadline(candidate: Candidate, run: Run): NodeProgress {
  const { eligibility, progress } = candidate;
  if (progress.attempts === 0 && eligibility.verdict === 'Ineligible') {
    return skip(candidate, eligibility.reason, eligibility.message);
  }
  if (progress.reason === 'NodeFull') return { ...progress, retryAt: undefined, result: 'Failed' };
  const limit = `not finished within the run's activeDeadlineSeconds (${run.spec.activeDeadlineSeconds})`;
  const message = progress.message === undefined ? limit : brief(`${limit}: ${progress.reason}: ${progress.message}`);
  return { attempts: progress.attempts, result: 'Failed', reason: 'DeadlineExceeded', message };
}

function skip({ progress }: Candidate, reason: string, message: string): NodeProgress {
  return { attempts: progress.attempts, result: 'Skipped', reason, message };
}

/** Tries again after a pause, in the hope that the node has room then. This uses up none of the policy's restart limit. */
function waitForRoom(progress: NodeProgress, { reason, message }: CleanerPod, now: Date): NodeProgress {
  const rejections = (progress.rejections ?? 0) + 1;
  const words = [reason, message].filter(Boolean).join(': ');
  const rejected = { attempts: progress.attempts, rejections, reason: 'NodeFull', message: brief(words) };
  if (rejections >= maxRejections) return { ...rejected, result: 'Failed' };
  return { ...rejected, retryAt: now.getTime() + pauseMs(rejections) };
}

/** Tries again after a pause that doubles, as long as the policy's restart limit allows. */
function retryOrFail(progress: NodeProgress, run: Run, reason: string, message: string, now: Date): NodeProgress {
  const tries = triesOf(progress);
  if (isWornOut(tries, run)) return { ...tries, result: 'Failed', reason, message: brief(message) };
  return afterPause(tries, reason, message, now);
}

/** A pod that seems to be gone may only not be heard of yet: also the last pod is given the pause to turn up. */
function settleAfterPause(progress: NodeProgress, run: Run, now: Date): NodeProgress {
  const { reason, message, retryAt = 0 } = progress;
  if (retryAt > now.getTime() || !isWornOut(progress, run)) return progress;
  return { ...triesOf(progress), result: 'Failed', reason, message };
}

function afterPause(tries: NodeProgress, reason: string, message: string, now: Date): NodeProgress {
  const { attempts, rejections = 0 } = tries;
  return { ...tries, reason, message: brief(message), retryAt: now.getTime() + pauseMs(attempts - rejections) };
}

function pauseMs(tries: number): number {
  return Math.min(5_000 * 2 ** (tries - 1), 300_000);
}

/** A pod that the node had no room for did not run, and does not count. */
function isWornOut({ attempts, rejections = 0 }: NodeProgress, run: Run): boolean {
  return attempts - rejections > run.spec.rollout.restartLimit;
}

/** A record holds a message for each node, and the API server takes no record above 1 MiB. */
export function brief(message: string): string {
  return message.length > maxMessageLength ? `${message.slice(0, maxMessageLength - 1)}…` : message;
}
