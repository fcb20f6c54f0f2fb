import { startDelayMs } from '../scheduler/policy/due.ts';
import type { Policy } from '../scheduler/policy/policy.ts';
import { nextSlot, type Schedule, scheduleOf } from '../scheduler/policy/schedule.ts';

/** The next scheduled times of a policy as lines, each in the time zone of the policy and in UTC. */
export function forecast(name: string, policy: Policy, count: number, now: Date): string[] {
  const delaySeconds = startDelayMs(name, policy) / 1000;
  const remarks = [
    ...(policy.suspend ? ['suspended: no run starts'] : []),
    ...(delaySeconds > 0 ? [`each run starts ${delaySeconds} s later`] : []),
  ];
  const title = [`${name}: ${policy.schedule} (${policy.timeZone})`, ...remarks].join('; ');
  const slots = nextSlots(scheduleOf(policy), count, now);
  const lines = slots.map((slot) => `  ${wallTime(slot, policy.timeZone)}  ${slot.toISOString().replace('.000', '')}`);
  return [title, ...(lines.length === 0 ? ['  no scheduled time in the next five years'] : lines)];
}

function nextSlots(schedule: Schedule, count: number, now: Date): Date[] {
  const slots: Date[] = [];
  for (
    let slot = nextSlot(schedule, now);
    slot !== undefined && slots.length < count;
    slot = nextSlot(schedule, slot)
  ) {
    slots.push(slot);
  }
  return slots;
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
