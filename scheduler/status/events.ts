import { cutText } from '../../contract/text.ts';
import type { PolicyEvent } from '../cluster.ts';
import type { TimedOutNode } from '../journal/startup-taints.ts';
import { describeTrouble, type Trouble } from '../journal/troubles.ts';
import { listProblems, type Problem } from '../policy/problem.ts';
import { describeTrigger } from '../policy/trigger.ts';
import { outcomeOf } from '../run/outcome.ts';
import { permanentReasons } from '../run/rollout/eligibility.ts';
import type { Run } from '../run/run.ts';
import { describeResults, summarize } from '../run/summary.ts';
import type { SetProblem } from '../sets/problems.ts';

/** Maximum length of a message (`Event.message` in the Kubernetes API). */
const maxMessageLength = 1024;
/** Maximum number of nodes that an Event names one by one. */
const maxNodes = 5;

/** Names the problems of a policy with their paths, as many as fit. */
export function policyRejected(problems: readonly Problem[]): PolicyEvent {
  const consequence = '. The policy does nothing until this is fixed.';
  const list = listProblems(problems, maxMessageLength - consequence.length);
  return event('Warning', 'InvalidPolicy', `${list}${consequence}`);
}

/** Reports a valid policy that never starts a run on its schedule. */
export function scheduleNeverFires(schedule: string): PolicyEvent {
  const message = `the schedule "${cutText(schedule, 100)}" has no time in the next five years: correct it, or start runs with nodesweep.io/run-at`;
  return event('Warning', 'ScheduleNeverFires', message);
}

export function runStarted(run: Run): PolicyEvent {
  return event('Normal', 'RunStarted', `run ${run.name} started ${describeTrigger(run.trigger)}`);
}

/** `cause` is the known reason for the delay. */
export function scheduledTimeMissed(
  scheduledTime: Date,
  startingDeadlineSeconds: number | undefined,
  cause = 'no scheduler was running, or a run was active',
): PolicyEvent {
  const message = `no run started within startingDeadlineSeconds (${startingDeadlineSeconds}) of the scheduled time ${scheduledTime.toISOString()}: ${cause}`;
  return event('Warning', 'SlotMissed', message);
}

export function runFinished(run: Run): PolicyEvent {
  const { nodes, totals, problems } = summarize(run);
  const effect = run.kind.describeEffect(run.spec, totals);
  const details = problems.map((problem) => `${problem.node}: ${problem.reason}: ${problem.message}`);
  // If a run failed before any node started, or exceeded its deadline, only the run has the cause.
  const isOfRun = run.phase === 'Failed' && (run.nodes.size === 0 || run.reason === 'DeadlineExceeded');
  const cause = isOfRun ? `${run.message}; ` : '';
  const message = [`run ${run.name}: ${run.reason}: ${cause}${describeResults(nodes)}; ${effect}`, ...details].join(
    '; ',
  );
  const isAsExpected = problems.every(
    ({ result, reason = '' }) => result === 'Skipped' && permanentReasons.has(reason),
  );
  const outcome = outcomeOf(run);
  return event(outcome === 'Succeeded' && isAsExpected ? 'Normal' : 'Warning', `Run${outcome}`, message);
}

export function requestIgnored(run: Run, request: string): PolicyEvent {
  const message = `nodesweep.io/run-at "${request}" has already started run ${run.name}; set another value to start a run`;
  return event('Warning', 'RequestIgnored', message);
}

/** `next` is the request that replaced this one before its run could start; undefined if the annotation was removed. */
export function requestReplaced(request: string, next: string | undefined): PolicyEvent {
  const cause = next === undefined ? 'it was removed' : `"${next}" replaced it`;
  return event('Warning', 'RequestIgnored', `nodesweep.io/run-at "${request}" starts no run: ${cause} before it could`);
}

/** Reports a step that failed and is tried again. */
export function stepFailed(trouble: Trouble): PolicyEvent {
  return event('Warning', 'StepFailed', describeTrouble(trouble));
}

/** Reports nodes that take pods now, although work of the policy is missing there. */
export function startupTaintTimedOut(nodes: readonly TimedOutNode[]): PolicyEvent {
  const names = nodes.map(({ node }) => node);
  const others = names.length > maxNodes ? ` and ${names.length - maxNodes} others` : '';
  const details = nodes.slice(0, maxNodes).map(({ node, message }) => `${node}: ${message}`);
  const message = `${names.slice(0, maxNodes).join(', ')}${others} lost the startup taint because startupTaint.timeoutSeconds is over: ${details.join('; ')}`;
  return event('Warning', 'StartupTaintTimedOut', message);
}

/** Reports records that can't be read, or a status that was lost. */
export function objectUnreadable(message: string): PolicyEvent {
  return event('Warning', 'ConfigMapUnreadable', message);
}

/** Reports what nodes lose again and again between runs. */
export function keepsDisappearing(message: string): PolicyEvent {
  return event('Warning', 'KeepsDisappearing', message);
}

/** Reports problems with image sets, as many as fit. The policy stays valid. */
export function imageSetProblem(problems: readonly SetProblem[]): PolicyEvent {
  return event('Warning', 'ImageSetProblem', listProblems(problems, maxMessageLength));
}

/** Reports that the image sets of a policy have no problem any more. */
export function imageSetsReadable(): PolicyEvent {
  return event('Normal', 'ImageSetsReadable', 'all image sets of the policy can be read again');
}

export function runPaused(run: Run): PolicyEvent {
  return event('Warning', 'RunPaused', `run ${run.name}: ${run.message}`);
}

function event(type: PolicyEvent['type'], reason: string, text: string): PolicyEvent {
  return { type, reason, message: cutText(text, maxMessageLength) };
}
