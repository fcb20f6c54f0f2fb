import { type CronExpression, parseExpression } from './cron-expression.ts';
import { nextInstant } from './next-instant.ts';
import { wallClock } from './wall-clock.ts';

/** A parsed schedule. Its slots are the instants at which a CronJob of that schedule and zone is due. */
export interface Schedule {
  readonly expression: CronExpression;
  readonly timeZone: string;
}

/** The reason why an expression is no schedule, as messages for people; empty when it is one. */
export function scheduleProblems(expression: string): readonly string[] {
  const parsed = parseExpression(expression);
  return parsed.valid ? [] : parsed.problems;
}

const schedules = new WeakMap<object, Schedule>();

/** The schedule of a valid policy; it is parsed once, however often it is asked for. */
export function scheduleOf(policy: { readonly schedule: string; readonly timeZone: string }): Schedule {
  const schedule = schedules.get(policy) ?? parseSchedule(policy.schedule, policy.timeZone);
  schedules.set(policy, schedule);
  return schedule;
}

/** An expression that has {@link scheduleProblems}. */
export class ScheduleError extends Error {
  override readonly name = 'ScheduleError';
}

/** Parses a schedule; throws a {@link ScheduleError} for one that has problems, and a RangeError for an unknown zone. */
export function parseSchedule(expression: string, timeZone: string): Schedule {
  const parsed = parseExpression(expression);
  if (!parsed.valid) throw new ScheduleError(`schedule "${expression}": ${parsed.problems.join('; ')}`);
  wallClock(timeZone);
  return { expression: parsed.expression, timeZone };
}

/**
 * The first slot after `after`, or undefined where there is none in the next five years. The slots of `@every` count from
 * `anchor`, a slot or the instant from which the schedule holds.
 */
export function nextSlot(schedule: Schedule, after: Date, anchor: Date = after): Date | undefined {
  const { expression } = schedule;
  if (expression.type === 'Interval') return firstAfter(expression.seconds, after, anchor);
  const next = nextOf(schedule, secondOf(after));
  return next === undefined ? undefined : new Date(next * 1000);
}

/**
 * The last slot at or before `now` and after `after`, or undefined where there is none. The slots of `@every` count from
 * `after`.
 */
export function lastSlot(schedule: Schedule, after: Date, now: Date): Date | undefined {
  const { expression } = schedule;
  if (expression.type === 'Interval') return lastBefore(expression.seconds, after, now);
  const last = lastOf(schedule, secondOf(after), secondOf(now));
  return last === undefined ? undefined : new Date(last * 1000);
}

/** A stretch of time without a slot in it, in seconds: a schedule is asked far more often than it fires. */
interface Gap {
  /** No slot is after this instant and before `to`. */
  readonly from: number;
  /** The slot that ends the gap; infinite where none was found. */
  readonly to: number;
  /** True if `from` is a slot. */
  readonly isSlot: boolean;
}

/** The gap that was found last. */
const gaps = new WeakMap<Schedule, Gap>();

function nextOf(schedule: Schedule, after: number): number | undefined {
  const known = gaps.get(schedule);
  const gap = known !== undefined && isWithin(after, known) ? known : findGap(schedule, after, false);
  return Number.isFinite(gap.to) ? gap.to : undefined;
}

/** Halves the time in which the last slot can be, until no slot follows the one at its beginning. */
function lastOf(schedule: Schedule, after: number, now: number): number | undefined {
  const known = gaps.get(schedule);
  if (known !== undefined && isWithin(now, known)) {
    if (after >= known.from) return undefined;
    if (known.isSlot) return known.from;
  }
  const first = findGap(schedule, after, false).to;
  if (first > now) return undefined;
  for (let [slot, empty] = [first, now + 1]; ; ) {
    const following = findGap(schedule, slot, true).to;
    if (following > now) return slot;
    slot = following;
    const middle = Math.floor((slot + empty) / 2);
    const next = search(schedule, middle);
    if (next !== undefined && next <= now) slot = next;
    else empty = middle;
  }
}

function isWithin(instant: number, { from, to }: Gap): boolean {
  return instant >= from && instant < to;
}

function findGap(schedule: Schedule, from: number, isSlot: boolean): Gap {
  const gap = { from, to: search(schedule, from) ?? Number.POSITIVE_INFINITY, isSlot };
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
