import type { Policy } from '../policy/policy.ts';
import { nextScheduledTime, scheduleOf } from '../policy/schedule.ts';
import { isFull } from '../run/results/verdict.ts';
import { isFinished, type Run } from '../run/run.ts';
import type { PolicyStatus } from './status.ts';

/** The count ends here: an alert needs to know that there are some, and each one costs a search. */
const maxCount = 10;

const known = new WeakMap<PolicyStatus, number>();

/**
 * The number of scheduled times since the last success, or since the schedule is in force, up to 10. The time of an active run
 * does not count yet, nor do later ones. A status has a new version at every scheduled time and at every end of a run, so it is
 * counted once for each version.
 */
export function countWithoutSuccess(status: PolicyStatus, policy: Policy, runs: readonly Run[], now: Date): number {
  if (policy.suspend) return 0;
  const count = known.get(status) ?? countScheduledTimes(policy, sinceOf(status), untilOf(runs, now));
  known.set(status, count);
  return count;
}

function sinceOf({ scheduleSince, lastSuccessfulTime }: PolicyStatus): Date {
  return lastSuccessfulTime !== undefined && lastSuccessfulTime > scheduleSince ? lastSuccessfulTime : scheduleSince;
}

/** The scheduled time of the oldest active run, or now. */
function untilOf(runs: readonly Run[], now: Date): Date {
  const active = runs.filter((run) => isFull(run) && !isFinished(run));
  const starts = active.map(({ trigger, startedAt }) => (trigger.type === 'Schedule' ? trigger.slot : startedAt));
  return starts.reduce((earliest, start) => (start <= earliest ? new Date(start.getTime() - 1) : earliest), now);
}

function countScheduledTimes(policy: Policy, since: Date, until: Date): number {
  const schedule = scheduleOf(policy);
  let [count, last] = [0, since];
  while (count < maxCount) {
    const next = nextScheduledTime(schedule, last, since);
    if (next === undefined || next > until) return count;
    [count, last] = [count + 1, next];
  }
  return count;
}
