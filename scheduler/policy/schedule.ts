import { type CronExpression, parseExpression } from './cron-expression.ts';
import { nextInstant } from './next-instant.ts';
import { wallClock } from './wall-clock.ts';

/** A parsed schedule. Its times are those of a CronJob with the same schedule and time zone. */
export interface Schedule {
  readonly expression: CronExpression;
  readonly timeZone: string;
}

/** The problems of an expression; empty if it is valid. */
export function scheduleProblems(expression: string): readonly string[] {
  const parsed = parseExpression(expression);
  return parsed.valid ? [] : parsed.problems;
}

const schedules = new WeakMap<object, Schedule>();

/** The schedule of a valid policy, which is parsed once. */
export function scheduleOf(policy: { readonly schedule: string; readonly timeZone: string }): Schedule {
  const schedule = schedules.get(policy) ?? parseSchedule(policy.schedule, policy.timeZone);
  schedules.set(policy, schedule);
  return schedule;
}

/** The error for an expression with {@link scheduleProblems}. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

/** Parses a schedule. Throws a {@link ScheduleError} if it has problems, and a RangeError for an unknown time zone. */
export function parseSchedule(expression: string, timeZone: string): Schedule {
  const parsed = parseExpression(expression);
  if (!parsed.valid) throw new ScheduleError(`schedule "${expression}": ${parsed.problems.join('; ')}`);
  wallClock(timeZone);
  return { expression: parsed.expression, timeZone };
}

/**
 * The first scheduled time after `after`, or undefined if there is none in the next five years. The times of `@every` count
 * from `anchor`: a scheduled time, or the instant from which the schedule is valid.
 */
export function nextScheduledTime(schedule: Schedule, after: Date, anchor: Date = after): Date | undefined {
  const { expression } = schedule;
  if (expression.type === 'Interval') return firstAfter(expression.seconds, after, anchor);
  const next = nextOf(schedule, secondOf(after));
  return next === undefined ? undefined : new Date(next * 1000);
}

/**
 * The last scheduled time at or before `now` and after `after`, or undefined if there is none. The times of `@every` count
 * from `after`.
 */
export function lastScheduledTime(schedule: Schedule, after: Date, now: Date): Date | undefined {
  const { expression } = schedule;
  if (expression.type === 'Interval') return lastBefore(expression.seconds, after, now);
  const last = lastOf(schedule, secondOf(after), secondOf(now));
  return last === undefined ? undefined : new Date(last * 1000);
}

/** A cached gap between two scheduled times, in seconds, because a schedule is read much more often than a run starts. */
interface Gap {
  /** The beginning of the gap: no scheduled time is after it and before `to`. */
  readonly from: number;
  /** The scheduled time at the end of the gap; infinite if there is none. */
  readonly to: number;
  /** True if `from` is a scheduled time. */
  readonly isScheduled: boolean;
}

/** The last gap of each schedule. */
const gaps = new WeakMap<Schedule, Gap>();

function nextOf(schedule: Schedule, after: number): number | undefined {
  const known = gaps.get(schedule);
  const gap = known !== undefined && isWithin(after, known) ? known : findGap(schedule, after, false);
  return Number.isFinite(gap.to) ? gap.to : undefined;
}

/**
 * Searches for the last scheduled time by halving an interval. It ends when no other scheduled time follows the one at the
 * beginning of the interval.
 */
function lastOf(schedule: Schedule, after: number, now: number): number | undefined {
  const known = gaps.get(schedule);
  if (known !== undefined && isWithin(now, known)) {
    if (after >= known.from) return undefined;
    if (known.isScheduled) return known.from;
  }
  const first = findGap(schedule, after, false).to;
  if (first > now) return undefined;
  for (let [scheduledTime, empty] = [first, now + 1]; ; ) {
    const following = findGap(schedule, scheduledTime, true).to;
    if (following > now) return scheduledTime;
    scheduledTime = following;
    const middle = Math.floor((scheduledTime + empty) / 2);
    const next = search(schedule, middle);
    if (next !== undefined && next <= now) scheduledTime = next;
    else empty = middle;
  }
}

function isWithin(instant: number, { from, to }: Gap): boolean {
  return instant >= from && instant < to;
}

function findGap(schedule: Schedule, from: number, isScheduled: boolean): Gap {
  const gap = { from, to: search(schedule, from) ?? Number.POSITIVE_INFINITY, isScheduled };
  gaps.set(schedule, gap);
  return gap;
}

function search({ expression, timeZone }: Schedule, after: number): number | undefined {
  return expression.type === 'Fields' ? nextInstant(expression, wallClock(timeZone), after) : undefined;
}

function secondOf(instant: Date): number {
  return Math.floor(instant.getTime() / 1000);
}

function firstAfter(seconds: number, after: Date, anchor: Date): Date {
  const [start, from] = [secondOf(anchor), secondOf(after)];
  return new Date((start + (Math.floor(Math.max(0, from - start) / seconds) + 1) * seconds) * 1000);
}

function lastBefore(seconds: number, after: Date, now: Date): Date | undefined {
  const [start, end] = [secondOf(after), secondOf(now)];
  const count = Math.floor((end - start) / seconds);
  return count < 1 ? undefined : new Date((start + count * seconds) * 1000);
}
