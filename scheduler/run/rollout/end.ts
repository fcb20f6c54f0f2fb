import { hasMissedTarget } from '../outcome.ts';
import { type Cause, type NodeProgress, nodeLost, settled, troubleOf } from '../progress.ts';
import type { Run } from '../run.ts';
import {
  type Candidate,
  countResults,
  deadlineOf,
  factsOf,
  isActive,
  isUnsettledAndActive,
  isWaiting,
} from './candidate.ts';
import { nodeRemoved, notReady } from './eligibility.ts';

/** The reason why no further node may start. With `isFinal`, the run ends when its active pods have ended. */
export interface Halt {
  readonly reason: string;
  readonly message: string;
  readonly isFinal: boolean;
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
  return progress.state === 'Settled' && (progress.reason === 'NotStarted' || progress.reason === nodeLost);
}

/**
 * True if the deadline of the run has just ended the work on a node. The kubelet sets the same reason for a pod that
 * ended by its own deadline, but such a pod does not end the run.
 */
function isCutOff({ name, progress }: Candidate, run: Run): boolean {
  if (progress.state !== 'Settled' || run.nodes.get(name)?.state === 'Settled') return false;
  return progress.result === 'Failed' && progress.reason === 'DeadlineExceeded';
}

/** The reason why no further node may start now; undefined if there is none. */
export function haltOf(run: Run, candidates: readonly Candidate[], now: Date): Halt | undefined {
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

/** True if the node is not settled and not ready. It gets a pod if it becomes ready in time. */
export function isMissing(candidate: Candidate): boolean {
  const { progress, eligibility } = candidate;
  const isNotReady = eligibility.verdict === 'Ineligible' && eligibility.reason === notReady.reason;
  return isNotReady && progress.state !== 'Settled' && !isActive(candidate);
}

/** The phase of a run, with its cause. */
type Verdict = Pick<Run, 'phase' | 'reason' | 'message'>;

/** True if a cleaner starts, or works on a node that is not settled. */
export function isBusy(candidates: readonly Candidate[], start: readonly Candidate[]): boolean {
  return start.length > 0 || candidates.some(isUnsettledAndActive);
}

/** True if a waiting node may still start. */
export function isStillWaiting(candidates: readonly Candidate[], halt: Halt | undefined): boolean {
  return halt?.isFinal !== true && candidates.some(isWaiting);
}

/** The phase of a run that continues. */
export function phaseOf(
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
export function describeMissing(missing: readonly Candidate[], run: Run): Cause | undefined {
  if (missing.length === 0) return undefined;
  const names = missing.slice(0, maxNames).map(({ name }) => name);
  const others = missing.length > maxNames ? ` and ${missing.length - maxNames} others` : '';
  const end = `until ${deadlineOf(run).toISOString()} or the next run`;
  return {
    reason: 'NodesNotReady',
    message: `waits ${end} for nodes that are not ready: ${names.join(', ')}${others}`,
  };
}

/** The phase of a run whose nodes are all settled. */
export function verdictOf(run: Run, candidates: readonly Candidate[], halt: Halt | undefined): Verdict {
  if (halt?.isFinal) return { phase: 'Failed', reason: halt.reason, message: halt.message };
  const { done } = run.kind.words;
  const total = candidates.length;
  const failed = countResults(candidates, 'Failed');
  const succeeded = countResults(candidates, 'Succeeded');
  if (failed > 0) return { phase: 'Failed', reason: 'NodesFailed', message: `${failed} of ${total} nodes failed` };
  if (run.trigger.type === 'Purge' && total === 0)
    return { phase: 'Succeeded', reason: 'Completed', message: 'nothing was left on any node' };
  if (run.trigger.type !== 'Purge' && candidates.every(isOnlyDue)) {
    return {
      phase: 'Failed',
      reason: 'NoMatchingNodes',
      message: 'no node of the cluster matches the policy: check its field nodes, and the labels of the nodes',
    };
  }
  if (succeeded === 0)
    return { phase: 'Failed', reason: 'NoEligibleNodes', message: `none of the matching nodes could be ${done}` };
  const refused = candidates.filter(hasRefused).length;
  if (refused > 0)
    return { phase: 'Failed', reason: 'NodesRefused', message: `${refused} of ${total} nodes could not be ${done}` };
  const message = `${succeeded} of ${total} nodes ${run.spec.dryRun ? 'planned' : done}`;
  const missed = candidates.filter(({ progress }) => hasMissedTarget(progress)).length;
  if (missed === 0) return { phase: 'Succeeded', reason: 'Completed', message };
  return { phase: 'Succeeded', reason: 'TargetNotMet', message: `${message}, ${missed} of them not to their target` };
}

/** True if the policy does not select the node, and the run only takes something away there. */
function isOnlyDue({ eligibility }: Candidate): boolean {
  return eligibility.verdict === 'Eligible' && eligibility.isOnlyDue === true;
}

/** True if a pod found on its node that the work can't be done there. */
function hasRefused({ progress }: Candidate): boolean {
  const isSkipped = progress.state === 'Settled' && progress.result === 'Skipped';
  return isSkipped && progress.attempts > 0 && progress.reason !== nodeRemoved.reason;
}

/**
 * Settles a node at the end of the run. A node that was tried without success has failed. Any other was skipped, because
 * of the node itself or because the run stopped before it.
 */
export function settleLeftover(candidate: Candidate, halt: Halt | undefined, run: Run, now: Date): Candidate {
  const { progress } = candidate;
  if (progress.state === 'Settled') return candidate;
  const { tally } = progress.attempts === 0 ? {} : run.kind.endingOf(factsOf(candidate, run, now));
  const trouble = troubleOf(progress);
  if (progress.attempts > 0 && trouble !== undefined)
    return { ...candidate, progress: settled(progress, 'Failed', { ...trouble, tally }) };
  return { ...candidate, progress: settled(progress, 'Skipped', { ...causeOfSkip(candidate, halt), tally }) };
}

function causeOfSkip({ eligibility }: Candidate, halt: Halt | undefined): Cause {
  if (eligibility.verdict === 'Ineligible') return eligibility;
  return halt ?? { reason: 'NotSelected', message: 'the policy does not select the node any more' };
}
