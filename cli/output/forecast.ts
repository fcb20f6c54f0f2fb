import { startDelayMs } from '../../scheduler/policy/due.ts';
import type { Policy } from '../../scheduler/policy/policy.ts';
import { nextScheduledTime, type Schedule, scheduleOf } from '../../scheduler/policy/schedule.ts';

/** The next scheduled times of a policy as lines, each in the time zone of the policy and in UTC. */
export function forecast(name: string, policy: Policy, count: number, now: Date): string[] {
  const delaySeconds = startDelayMs(name, policy) / 1000;
  const remarks = [
    ...(policy.suspend ? ['suspended: no run starts'] : []),
    ...(delaySeconds > 0 ? [`each run starts ${delaySeconds} s later`] : []),
  ];
  const title = [`${name}: ${policy.schedule} (${policy.timeZone})`, ...remarks].join('; ');
  const scheduledTimes = nextScheduledTimes(scheduleOf(policy), count, now);
  const lines = scheduledTimes.map(
    (time) => `  ${wallTime(time, policy.timeZone)}  ${time.toISOString().replace('.000', '')}`,
  );
  return [title, ...(lines.length === 0 ? ['  no scheduled time in the next five years'] : lines)];
}

function nextScheduledTimes(schedule: Schedule, count: number, now: Date): Date[] {
  const scheduledTimes: Date[] = [];
  for (
    let time = nextScheduledTime(schedule, now);
    time !== undefined && scheduledTimes.length < count;
    time = nextScheduledTime(schedule, time)
  ) {
    scheduledTimes.push(time);
  }
  return scheduledTimes;
}

/** Like `Mon 2026-03-02 00:00 GMT+01:00`. */
function wallTime(instant: Date, timeZone: string): string {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    hourCycle: 'h23',
    weekday: 'short',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'longOffset',
  });
  const parts = new Map(format.formatToParts(instant).map(({ type, value }) => [type, value]));
  const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? '';
  const date = [part('year'), part('month'), part('day')].join('-');
  return `${part('weekday')} ${date} ${part('hour')}:${part('minute')} ${part('timeZoneName')}`;
}
