import { annotation } from '../../contract/labels.ts';
import { briefProblems } from '../policy/problem.ts';
import { isFinished, type Run } from '../run/run.ts';
import { neverFires } from '../status/conditions.ts';
import {
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
import type { Start } from './start-run.ts';

/**
 * Writes what the pass has found to the status, in one write, and tells what is new in it. Returns the status; undefined
 * where somebody else has changed it meanwhile, so that everything is to be found again.
 */
export async function keepStatus(pass: PolicyPass, start: Start | undefined): Promise<PolicyStatus | undefined> {
  const { cluster, journal, object } = pass;
  // The status as it is by now: another replica may have written it since the pass began, and what it remembers must stay.
  const stored = cluster.state().statuses.get(object.name);
  if (isOutdated(object, stored)) return undefined;
  const started = start !== undefined && 'run' in start ? start.run : undefined;
  const runs = journal.runs.of(object.name);
  const replacedRequests = requestsToJudge(pass, stored !== undefined);
  const status = statusOf(
    { ...pass, runs, started, replacedRequests, troubles: journal.troubles.of(object.uid) },
    stored,
  );
  if (status !== stored?.value && !(await cluster.writeStatus(object, status))) return undefined;
  journal.judgedRequests.set(object.uid, object.replacedRequests ?? []);
  await tellNews(pass, stored?.value, status);
  if (start?.outcome === 'AlreadyExists') await tellIfIgnored(pass, start.run);
  return status;
}

/** The requests that newer ones have replaced since the last pass. Those before this process took over were for another. */
function requestsToJudge({ journal, object }: PolicyPass, isTakenOver: boolean): readonly string[] {
  const { replacedRequests = [] } = object;
  const judged = journal.judgedRequests.get(object.uid) ?? (isTakenOver ? replacedRequests : []);
  return replacedRequests.filter((request) => !judged.includes(request));
}

/** Reports requests that start no run, an invalid policy, and a missed scheduled time: only the status shows them otherwise. */
async function tellNews(pass: PolicyPass, before: PolicyStatus | undefined, status: PolicyStatus): Promise<void> {
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

/** The error that kept the run from starting, or the runs that are active; undefined where neither is known. */
function obstacleOf(pass: PolicyPass, before: PolicyStatus | undefined): string | undefined {
  const ready = before?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.reason === 'StepFailed') return ready.message;
  const active = activeRuns(pass).map(({ value }) => value.name);
  return active.length === 0 ? undefined : `run ${active.join(', ')} is active`;
}

/** A request that was made before, and whose run is over, starts nothing: whoever made it should know. */
async function tellIfIgnored(pass: PolicyPass, run: Run): Promise<void> {
  if (run.trigger.type !== 'Request' || !isFinished(run)) return;
  await announce(pass, requestIgnored(run, run.trigger.request), { run: run.name });
}
