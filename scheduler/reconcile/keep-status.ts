import { annotation } from '../../contract/labels.ts';
import type { ClusterState, StoredStatus, UnreadableRecord } from '../cluster.ts';
import { findingsOf } from '../notifications/findings.ts';
import { briefProblems } from '../policy/problem.ts';
import { type KnownLosses, repeated } from '../run/results/losses.ts';
import { isFinished, type Run } from '../run/run.ts';
import { type SetProblem, setProblemsOf } from '../sets/problems.ts';
import { neverFires, unreadableReason } from '../status/conditions.ts';
import { describeLostStatus, describeUnreadable, namesInText } from '../status/damage.ts';
import {
  imageSetProblem,
  imageSetsReadable,
  keepsDisappearing,
  objectUnreadable,
  policyRejected,
  requestIgnored,
  requestReplaced,
  scheduledTimeMissed,
  scheduleNeverFires,
} from '../status/events.ts';
import { isOutdated, type PolicyStatus, statusOf } from '../status/status.ts';
import { activeRuns } from './advance.ts';
import { announce } from './announce.ts';
import type { PolicyPass } from './context.ts';
import { purgeInForce } from './ledger/purge-in-force.ts';
import type { Start } from './start-run.ts';

/**
 * Writes the findings of the pass to the status, in one write, and reports the news. Returns the status; undefined if
 * another process has changed it meanwhile, so that a new pass is needed.
 */
export async function keepStatus(
  pass: PolicyPass,
  start: Start | undefined,
  losses?: KnownLosses,
): Promise<PolicyStatus | undefined> {
  const { cluster, journal, object } = pass;
  // The current status: another replica may have written it since the pass began, and its facts must stay.
  const stored = cluster.state().statuses.get(object.name);
  if (isOutdated(object, stored)) return undefined;
  const started = start !== undefined && 'run' in start ? start.run : undefined;
  const runs = journal.runs.of(object.name);
  const replacedRequests = requestsToJudge(pass, stored !== undefined);
  const unreadable = unreadableOf(cluster.state(), object.name);
  const purged = purgeInForce(pass);
  const setProblems = setProblemsOf(pass.parsed, cluster.state(), pass.now);
  const found = {
    ...pass,
    purged,
    setProblems,
    losses,
    runs,
    started,
    replacedRequests,
    troubles: journal.troubles.of(object.uid),
    unreadable,
    delivered: pass.notifier?.deliveredOf(object),
  };
  const status = statusOf(found, stored);
  if (status !== stored?.value && !(await cluster.writeStatus(object, status))) return undefined;
  pass.notifier?.observe(object, status.notified ?? {}, findingsOf(status, runs));
  journal.judgedRequests.set(object.uid, object.replacedRequests ?? []);
  await reportDamage(pass, unreadable, stored);
  await reportNews(pass, stored?.value, status);
  await reportLosses(pass, stored?.value, status);
  await reportSets(pass, setProblems ?? [], { before: stored?.value, status });
  if (start?.outcome === 'AlreadyExists') await reportIfIgnored(pass, start.run);
  return status;
}

/** The requests that newer ones replaced since the last pass. The leader before has handled the earlier ones. */
function requestsToJudge({ journal, object }: PolicyPass, isTakenOver: boolean): readonly string[] {
  const { replacedRequests = [] } = object;
  const judged = journal.judgedRequests.get(object.uid) ?? (isTakenOver ? replacedRequests : []);
  return replacedRequests.filter((request) => !judged.includes(request));
}

function unreadableOf({ unreadable = [] }: ClusterState, policy: string): readonly UnreadableRecord[] {
  return unreadable.filter((record) => record.policy === policy);
}

/** Reports objects that can't be read, and that no status has named before. */
async function reportDamage(
  pass: PolicyPass,
  unreadable: readonly UnreadableRecord[],
  stored: StoredStatus | undefined,
): Promise<void> {
  if (stored?.damage !== undefined) await announce(pass, objectUnreadable(describeLostStatus(stored.damage)), {});
  const degraded = stored?.value?.conditions?.find(({ reason }) => reason === unreadableReason);
  const isNew = namesInText(unreadable).some((name) => degraded?.message.includes(name) !== true);
  const message = describeUnreadable(unreadable);
  if (isNew && message !== undefined) await announce(pass, objectUnreadable(message), {});
}

/**
 * Reports requests that start no run, an invalid policy, and a missed scheduled time: only the status shows them
 * otherwise.
 */
async function reportNews(pass: PolicyPass, before: PolicyStatus | undefined, status: PolicyStatus): Promise<void> {
  const { parsed, object } = pass;
  const ignored = (status.ignoredRequests ?? []).filter((request) => !before?.ignoredRequests?.includes(request));
  for (const request of ignored)
    await announce(pass, requestReplaced(request, object.annotations[annotation.runAt]), { request });
  if (!parsed.valid) {
    const isNew = before?.observedVersion !== object.resourceVersion;
    if (isNew) await announce(pass, policyRejected(parsed.problems), { problems: briefProblems(parsed.problems) });
    return;
  }
  const isScheduleNew = before?.schedule !== status.schedule;
  if (isScheduleNew && neverFires(status)) await announce(pass, scheduleNeverFires(parsed.policy.schedule), {});
  const { missedSlot: scheduledTime } = status;
  if (scheduledTime === undefined || scheduledTime.getTime() === before?.missedSlot?.getTime()) return;
  const cause = obstacleOf(pass, before);
  await announce(pass, scheduledTimeMissed(scheduledTime, parsed.policy.startingDeadlineSeconds, cause), {
    slot: scheduledTime,
  });
}

/** Reports what nodes lose again and again, once as long as it goes on. */
async function reportLosses(pass: PolicyPass, before: PolicyStatus | undefined, status: PolicyStatus): Promise<void> {
  const told = new Set(repeated(before?.losses?.seen ?? []).map(({ what }) => what));
  const news = repeated(status.losses?.seen ?? []).filter(({ what }) => !told.has(what));
  const run = pass.journal.runs.of(pass.object.name).find(({ name }) => name === status.losses?.run);
  const message = run?.kind.losses?.describe(run.spec, news);
  if (news.length > 0 && message !== undefined) await announce(pass, keepsDisappearing(message), {});
}

/**
 * Reports problems with image sets that the status before does not have, and the end of all problems. The condition is the memory,
 * so another process does not report them again.
 */
async function reportSets(
  pass: PolicyPass,
  problems: readonly SetProblem[],
  { before, status }: { readonly before: PolicyStatus | undefined; readonly status: PolicyStatus },
): Promise<void> {
  const [known, judged] = [before, status].map((one) => one?.conditions?.find(({ type }) => type === 'ImageSets'));
  if (judged?.status === 'True' && known?.status === 'False') await announce(pass, imageSetsReadable(), {});
  if (judged?.status !== 'False') return;
  const news = problems.filter(({ gist }) => known?.status !== 'False' || !known.message.includes(gist));
  if (news.length > 0) await announce(pass, imageSetProblem(news), {});
}

/** The error that prevented the start of the run, or the runs that are active; undefined if neither is known. */
function obstacleOf(pass: PolicyPass, before: PolicyStatus | undefined): string | undefined {
  const ready = before?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.reason === 'StepFailed') return ready.message;
  const active = activeRuns(pass).map(({ value }) => value.name);
  return active.length === 0 ? undefined : `run ${active.join(', ')} is active`;
}

/** Reports a request that was made before. It starts no run, because its run has ended. */
async function reportIfIgnored(pass: PolicyPass, run: Run): Promise<void> {
  if (run.trigger.type !== 'Request' || !isFinished(run)) return;
  await announce(pass, requestIgnored(run, run.trigger.request), { run: run.name });
}
