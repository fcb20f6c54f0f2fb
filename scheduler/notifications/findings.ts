import { cutText } from '../../contract/text.ts';
import { listProblems } from '../policy/problem.ts';
import { onceForRuns } from '../run/once-for-runs.ts';
import { hasMissedTarget, outcomeOf } from '../run/outcome.ts';
import { resultOf } from '../run/progress.ts';
import { isFailure, isFull, isSuccess, lastVerdict } from '../run/results/verdict.ts';
import { isFinished, type Run } from '../run/run.ts';
import { runFinished } from '../status/events.ts';
import type { PolicyStatus } from '../status/status.ts';
import type { Finding } from './told.ts';

/** A notification is read on a phone. `nodesweep status` has the rest. */
const maxTextLength = 300;
/** The number of nodes that a text names. */
const maxNames = 3;

type Judged = Pick<PolicyStatus, 'valid' | 'problems' | 'lastSlot' | 'missedSlot' | 'conditions'>;

/**
 * The state of each subject of a policy, from its status and the records of its runs. A subject of which they show nothing is
 * absent, so that its last state stays.
 */
export function findingsOf(status: Judged, runs: readonly Run[]): readonly Finding[] {
  const ended = runs.filter(isFinished);
  const found = [ofPolicy(status), ofRun(ended), ofPause(runs), ofSchedule(status), ofDisk(ended), ofSets(status)];
  return found
    .filter((finding) => finding !== undefined)
    .map((finding) => ({ ...finding, text: cutText(finding.text.replaceAll(/\s+/g, ' '), maxTextLength) }));
}

function ofPolicy({ valid, problems }: Judged): Finding {
  if (valid) return { subject: 'Policy', kind: 'Well', text: 'the policy is valid' };
  const text = `the policy is not valid and does nothing: ${listProblems(problems, maxTextLength)}`;
  return { subject: 'Policy', kind: 'Bad', state: 'InvalidPolicy', text };
}

/** A run without nodes is neither a success nor a failure: a group of nodes may be scaled to zero. */
const ofRun = onceForRuns((ended): Finding | undefined => {
  const last = lastVerdict(ended);
  if (last === undefined) return undefined;
  const text = runFinished(last).message;
  if (isFailure(last)) {
    const state = outcomeOf(last) === 'Failed' ? 'Failed' : 'PartiallyFailed';
    return { subject: 'Run', kind: 'Bad', state, text };
  }
  return isSuccess(last) ? { subject: 'Run', kind: 'Well', text } : undefined;
});

function ofPause(runs: readonly Run[]): Finding {
  const paused = runs.find(({ phase }) => phase === 'Paused');
  if (paused === undefined) return { subject: 'Pause', kind: 'Well', text: 'no run is paused' };
  const text = `run ${paused.name} is paused: ${paused.message}`;
  return { subject: 'Pause', kind: 'Bad', state: 'RunPaused', text };
}

function ofSchedule({ valid, lastSlot, missedSlot }: Judged): Finding | undefined {
  if (!valid) return undefined;
  if (missedSlot === undefined || (lastSlot !== undefined && lastSlot >= missedSlot))
    return { subject: 'Schedule', kind: 'Well', text: 'runs start in time' };
  const text = `no run started in time for the scheduled time ${missedSlot.toISOString()}; the Events of the policy have the cause`;
  return { subject: 'Schedule', kind: 'Bad', state: 'SlotMissed', text };
}

/** A policy that is not valid keeps its last state. One that no longer names sets is well. */
function ofSets({ valid, conditions }: Judged): Finding | undefined {
  const condition = conditions?.find(({ type }) => type === 'ImageSets');
  if (condition?.status === 'False')
    return { subject: 'ImageSets', kind: 'Bad', state: 'ImageSetProblem', text: condition.message };
  if (!valid) return undefined;
  return { subject: 'ImageSets', kind: 'Well', text: condition?.message ?? 'the policy names no image set' };
}

/** Nodes that a run has not reached say nothing about their disks, so only a full success is well. */
const ofDisk = onceForRuns((ended): Finding | undefined => {
  const last = newestWithNodes(ended);
  if (last === undefined) return undefined;
  const above = [...last.nodes].filter(([, progress]) => hasMissedTarget(progress)).map(([node]) => node);
  if (above.length > 0) {
    const text = `after run ${last.name} the disks of ${nameNodes(above)} are above disk.lowPercent`;
    return { subject: 'Disk', kind: 'Bad', state: 'DiskAboveTarget', text };
  }
  if (!isFull(last) || !isSuccess(last)) return undefined;
  return { subject: 'Disk', kind: 'Well', text: `after run ${last.name} no disk is above disk.lowPercent` };
});

function newestWithNodes(ended: readonly Run[]): Run | undefined {
  const hasWorked = ({ nodes }: Run) => [...nodes.values()].some((progress) => resultOf(progress) === 'Succeeded');
  return ended.filter(hasWorked).toSorted((one, other) => other.startedAt.getTime() - one.startedAt.getTime())[0];
}

function nameNodes(nodes: readonly string[]): string {
  const names = nodes.toSorted().slice(0, maxNames).join(', ');
  return nodes.length > maxNames ? `${names} and ${nodes.length - maxNames} others` : names;
}
