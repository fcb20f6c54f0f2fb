import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { cutText } from '../../contract/text.ts';
import { describeTrouble, type Trouble } from '../journal/troubles.ts';
import { formatProblem, type Problem } from '../policy/problem.ts';
import type { Judgement } from '../run/kind.ts';
import { onceForRuns } from '../run/once-for-runs.ts';
import { outcomeOf } from '../run/outcome.ts';
import { type Loss, repeated } from '../run/results/losses.ts';
import { isFinished, type Run } from '../run/run.ts';
import { describeSetProblems, type SetProblem, worstReason } from '../sets/problems.ts';
import { type Damage, describeLostStatus, describeUnreadable } from './damage.ts';

export const conditionSchema = z.object({
  type: z.enum(['Ready', 'Progressing', 'Degraded', 'Present', 'Purged', 'ImageSets']),
  status: z.enum(['True', 'False']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.iso.datetime().transform((text) => new Date(text)),
});

/**
 * The state of a policy, in the standard terms of Kubernetes. Ready: it is valid, and its runs start when they are due.
 * Progressing: a run is active; it also shows an error of a run. Degraded: the last run did not do all its work, or an object
 * of the policy can't be read.
 * Present: the nodes have what the policy means; only policies of some kinds have this condition.
 * Purged: the policy wants nothing on any node, because of a request; only policies that were purged have this condition.
 * ImageSets: the image sets of the policy can be read, are new enough, and have no malformed line; only policies that name sets
 * have this condition.
 * `lastTransitionTime`: the last change of the status; a new reason does not change it.
 */
export type Condition = z.output<typeof conditionSchema>;

/** The parts of a status from which the conditions follow. */
interface Judged {
  readonly valid: boolean;
  readonly problems: readonly Problem[];
  /** The schedule as it is evaluated. It ends with `active` if the policy is not suspended. */
  readonly schedule?: string | undefined;
  readonly nextSlot?: Date | undefined;
  readonly conditions?: Condition[] | undefined;
  /** The records of the policy that can't be read. */
  readonly unreadable?: readonly Damage[] | undefined;
  /** The request of the purge that is in force, if there is one. */
  readonly purged?: string | undefined;
  /** The things that nodes had lost before the last runs. */
  readonly losses?: { readonly seen: readonly Loss[] } | undefined;
  /** The problems with the image sets of the policy; undefined if it names none. */
  readonly setProblems?: readonly SetProblem[] | undefined;
  /** The status before this one, if it can't be read. */
  readonly lostStatus?: Damage | undefined;
}

/** The maximum length of the message of a condition in the Kubernetes API (`metav1.Condition`). */
const maxMessageLength = 32_768;

type Finding = Omit<Condition, 'lastTransitionTime'>;

/**
 * The conditions of a policy now. Returns the same array if none of them has changed. `troubles` are the current errors of
 * its steps.
 */
export function conditionsOf(
  judged: Judged,
  runs: readonly Run[],
  now: Date,
  troubles: readonly Trouble[] = [],
): Condition[] {
  const before = judged.conditions ?? [];
  const findings = [
    readiness(judged, troubles),
    progress(runs, troubles),
    degradation(judged, runs),
    ...presence(runs, before, judged),
    ...purge(judged, before),
    ...imageSets(judged, before),
  ];
  const conditions = findings.map((finding): Condition => {
    const known = before.find(({ type }) => type === finding.type);
    const isSame = known?.status === finding.status;
    const message = cutText(finding.message, maxMessageLength);
    return { ...finding, message, lastTransitionTime: isSame ? known.lastTransitionTime : now };
  });
  return isDeepStrictEqual(conditions, before) ? before : conditions;
}

function readiness({ valid, problems, schedule, nextSlot }: Judged, troubles: readonly Trouble[]): Finding {
  if (!valid)
    return { type: 'Ready', status: 'False', reason: 'InvalidPolicy', message: problems.map(formatProblem).join('; ') };
  const trouble = describeTroubles('Ready', troubles);
  if (trouble !== undefined) return { type: 'Ready', status: 'False', reason: 'StepFailed', message: trouble };
  if (neverFires({ valid, schedule, nextSlot })) {
    const message = 'the policy is valid, but its schedule has no time in the next five years';
    return { type: 'Ready', status: 'True', reason: 'ScheduleNeverFires', message };
  }
  return { type: 'Ready', status: 'True', reason: 'Valid', message: 'the policy is valid' };
}

/** True if the policy is valid and not suspended, and its schedule has no time within the years that are searched. */
export function neverFires({ valid, schedule, nextSlot }: Omit<Judged, 'problems'>): boolean {
  return valid && nextSlot === undefined && schedule?.endsWith(' active') === true;
}

function progress(runs: readonly Run[], troubles: readonly Trouble[]): Finding {
  const active = newest(runs.filter((run) => !isFinished(run)));
  const trouble = describeTroubles('Progressing', troubles);
  if (trouble !== undefined) {
    const status = active?.phase === 'Running' ? 'True' : 'False';
    return { type: 'Progressing', status, reason: 'StepFailed', message: trouble };
  }
  if (active === undefined)
    return { type: 'Progressing', status: 'False', reason: 'Idle', message: 'no run is active' };
  if (active.phase === 'Paused') {
    return { type: 'Progressing', status: 'False', reason: 'RunPaused', message: active.message ?? '' };
  }
  const since = `run ${active.name} has been active since ${active.startedAt.toISOString()}`;
  return { type: 'Progressing', status: 'True', reason: 'RunActive', message: since };
}

function describeTroubles(condition: Trouble['condition'], troubles: readonly Trouble[]): string | undefined {
  const sentences = troubles.filter((trouble) => trouble.condition === condition).map(describeTrouble);
  return sentences.length === 0 ? undefined : sentences.join('; ');
}

function degradation(judged: Judged, runs: readonly Run[]): Finding {
  const before = judged.conditions?.find(({ type }) => type === 'Degraded');
  const last = newest(runs.filter(isFinished));
  const unreadable = describeUnreadable(judged.unreadable ?? []);
  const result = last === undefined ? lastKnown(before) : resultOf(last);
  if (unreadable !== undefined) {
    const message = result.status === 'True' && last !== undefined ? `${unreadable}; ${result.message}` : unreadable;
    return { type: 'Degraded', status: 'True', reason: unreadableReason, message };
  }
  return lossOfStatus(judged, before, last) ?? result;
}

/** The reason while records can't be read. It goes with them. */
export const unreadableReason = 'ConfigMapUnreadable';
const lostReason = 'StatusLost';

/** The loss of the status, until a run that began after it has ended. */
function lossOfStatus(
  { lostStatus }: Judged,
  before: Condition | undefined,
  last: Run | undefined,
): Finding | undefined {
  if (lostStatus !== undefined)
    return { type: 'Degraded', status: 'True', reason: lostReason, message: describeLostStatus(lostStatus) };
  if (before?.reason !== lostReason) return undefined;
  const isOver = last !== undefined && last.startedAt > before.lastTransitionTime;
  return isOver ? undefined : findingOf(before);
}

function resultOf(last: Run): Finding {
  const message = `run ${last.name}: ${last.message ?? last.phase}`;
  const outcome = outcomeOf(last);
  const reason = outcome === 'PartiallyFailed' ? outcome : (last.reason ?? `Run${last.phase}`);
  return { type: 'Degraded', status: outcome === 'Succeeded' ? 'False' : 'True', reason, message };
}

/** Keeps the last result, because the record of the last run may be deleted. */
function lastKnown(before: Condition | undefined): Finding {
  if (before === undefined || before.reason === unreadableReason)
    return { type: 'Degraded', status: 'False', reason: 'NoRun', message: 'no run has ended' };
  return findingOf(before);
}

function findingOf({ lastTransitionTime: _, ...finding }: Condition): Finding {
  return finding;
}

/**
 * Judges by the policy of the newest run that has ended: a status for each step of an active run would be many writes. Keeps
 * the last judgement, because the records of the runs may be deleted.
 */
function presence(runs: readonly Run[], before: readonly Condition[], { purged, losses }: Judged): Finding[] {
  if (purged !== undefined)
    return [{ type: 'Present', status: 'False', reason: 'Purged', message: 'the images of the policy are removed' }];
  const ended = runs.filter(isFinished);
  const judgement = judgePresence(ended);
  if (judgement !== undefined)
    return [{ type: 'Present', ...withLosses(judgement, newest(ended), losses?.seen ?? []) }];
  return before.filter(({ type }) => type === 'Present').map(findingOf);
}

/** A thing that is there now, but was lost again and again, is present with a remark. */
function withLosses(judgement: Judgement, last: Run | undefined, losses: readonly Loss[]): Judgement {
  const lost = repeated(losses);
  const description = last?.kind.losses?.describe(last.spec, lost);
  if (judgement.status !== 'True' || lost.length === 0 || description === undefined) return judgement;
  return { status: 'True', reason: 'KeepsDisappearing', message: `${judgement.message}; ${description}` };
}

/** The purge in force. Afterwards the condition stays, so that its end is seen. */
function purge({ purged }: Judged, before: readonly Condition[]): Finding[] {
  if (purged === undefined) {
    const message = 'no purge is in force';
    return before.some(({ type }) => type === 'Purged')
      ? [{ type: 'Purged', status: 'False', reason: 'NotPurged', message }]
      : [];
  }
  const message = `nodesweep.io/purge-at "${purged}" removes all images of the policy, and it pulls nothing until its lists change or nodesweep.io/run-at has a new value`;
  return [{ type: 'Purged', status: 'True', reason: 'PurgeRequested', message }];
}

/** While the policy is not valid, its last judgement stays: nobody knows which sets it means. */
function imageSets({ valid, setProblems }: Judged, before: readonly Condition[]): Finding[] {
  if (!valid) return before.filter(({ type }) => type === 'ImageSets').map(findingOf);
  if (setProblems === undefined) return [];
  const reason = worstReason(setProblems);
  if (reason !== undefined)
    return [{ type: 'ImageSets', status: 'False', reason, message: describeSetProblems(setProblems) }];
  const message = 'all image sets of the policy can be read';
  return [{ type: 'ImageSets', status: 'True', reason: 'AllReadable', message }];
}

const judgePresence = onceForRuns((ended) => {
  const { kind, spec } = newest(ended) ?? {};
  return spec && kind?.presenceOf?.(spec, ended);
});

function newest(runs: readonly Run[]): Run | undefined {
  return runs.toSorted((a, b) => b.startedAt.getTime() - a.startedAt.getTime())[0];
}
