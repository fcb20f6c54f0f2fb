import { parse, validateDetailed } from 'node-cron';

const descriptors: ReadonlySet<string> = new Set([
  '@hourly',
  '@daily',
  '@midnight',
  '@weekly',
  '@monthly',
  '@yearly',
  '@annually',
]);
const minuteMs = 60_000;
/** No five-field expression has a longer gap than the one from 29 February 2096 to 2104. */
const searchMs = 9 * 366 * 24 * 60 * minuteMs;

/** A parsed schedule: an instant is a slot when its wall-clock time in `timeZone` matches every field. */
export interface Schedule {
  readonly expression: string;
  readonly timeZone: string;
  readonly minutes: ReadonlySet<number>;
  readonly hours: ReadonlySet<number>;
  readonly daysOfMonth: ReadonlySet<number>;
  readonly months: ReadonlySet<number>;
  readonly daysOfWeek: ReadonlySet<number>;
  /** Whether a day needs only one of day-of-month and day-of-week: so cron and CronJob, when both are restricted. */
  readonly eitherDay: boolean;
}

/** Why an expression is no schedule, as messages for people; empty when it is one. */
export function scheduleProblems(expression: string): string[] {
  if (descriptors.has(expression)) return [];
  if (expression.startsWith('@')) return [`unknown descriptor; use one of ${[...descriptors].join(', ')}`];
  const fields = expression.trim().split(/\s+/);
  if (fields.length !== 5)
    return [`must have 5 fields (minute hour day-of-month month day-of-week), not ${fields.length}`];
  const { errors } = validateDetailed(expression);
  if (errors.length > 0) return errors.map((error) => `${error.field}: ${error.message}`);
  return [...extensionProblems(expression), ...reversedRangeProblems(fields)];
}

/** Whether `timeZone` is a name of the IANA time zone database. Offsets and `Local` are not. */
export function isTimeZone(timeZone: string): boolean {
  if (!/^[A-Za-z]/.test(timeZone)) return false;
  try {
    wallClock(timeZone);
    return true;
  } catch {
    return false;
  }
}

const schedules = new WeakMap<object, Schedule>();

/** The schedule of a valid policy; it is parsed once, however often it is asked for. */
export function scheduleOf(policy: { readonly schedule: string; readonly timeZone: string }): Schedule {
  const schedule = schedules.get(policy) ?? parseSchedule(policy.schedule, policy.timeZone);
  schedules.set(policy, schedule);
  return schedule;
}

/** Parses a schedule that has no {@link scheduleProblems}; throws node-cron's error for any other. */
export function parseSchedule(expression: string, timeZone: string): Schedule {
  const fields = parse(expression);
  const [, , dayOfMonth = '*', , dayOfWeek = '*'] = expression.trim().split(/\s+/);
  return {
    expression,
    timeZone,
    minutes: new Set(fields.minute),
    hours: new Set(fields.hour),
    daysOfMonth: new Set(fields.dayOfMonth.map(Number)),
    months: new Set(fields.month),
    daysOfWeek: new Set(fields.dayOfWeek.map(Number)),
    eitherDay: !isWildcard(dayOfMonth) && !isWildcard(dayOfWeek),
  };
}

/** The newest stretch of time that was found to have no slot: a schedule is asked far more often than it fires. */
const gaps = new WeakMap<Schedule, { readonly from: number; readonly to: number }>();

/** The first slot after `after`, or undefined where there is none in the next nine years. */
export function nextSlot(schedule: Schedule, after: Date): Date | undefined {
  const gap = gaps.get(schedule);
  if (gap !== undefined && after.getTime() >= gap.from && after.getTime() < gap.to) return new Date(gap.to);
  const start = Math.floor(after.getTime() / minuteMs) * minuteMs;
  const slot = search(schedule, start + minuteMs, start + searchMs, 1);
  if (slot !== undefined) gaps.set(schedule, { from: start, to: slot.getTime() });
  return slot;
}

/** The last slot at or before `now` and after `after`, or undefined where there is none. */
export function lastSlot(schedule: Schedule, after: Date, now: Date): Date | undefined {
  const gap = gaps.get(schedule);
  if (gap !== undefined && after.getTime() >= gap.from && now.getTime() < gap.to) return undefined;
  const start = Math.floor(now.getTime() / minuteMs) * minuteMs;
  return search(schedule, start, Math.max(after.getTime() + 1, start - searchMs), -1);
}

/** Walks minute by minute, but over a day or an hour that does not match in one step. */
function search(schedule: Schedule, from: number, to: number, direction: 1 | -1): Date | undefined {
  const clock = wallClock(schedule.timeZone);
  for (let instant = from; direction * (to - instant) >= 0; ) {
    const skip = minutesToSkip(schedule, clock(instant), direction);
    if (skip === 0) return new Date(instant);
    instant += direction * skip * minuteMs;
  }
  return undefined;
}

interface WallClock {
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
}

/** 0 where the wall clock matches, else how far no slot can be; never over a boundary that an offset change could move. */
function minutesToSkip(schedule: Schedule, wall: WallClock, direction: 1 | -1): number {
  const inHour = direction === 1 ? 60 - wall.minute : wall.minute + 1;
  if (!matchesDay(schedule, wall)) {
    const inDay = direction === 1 ? (23 - wall.hour) * 60 + inHour : wall.hour * 60 + inHour;
    return Math.max(1, inDay - 180, Math.min(inHour, 30));
  }
  if (!schedule.hours.has(wall.hour)) return Math.min(inHour, 30);
  return schedule.minutes.has(wall.minute) ? 0 : 1;
}

function matchesDay(schedule: Schedule, wall: WallClock): boolean {
  if (!schedule.months.has(wall.month)) return false;
  const dayOfMonth = schedule.daysOfMonth.has(wall.day);
  const dayOfWeek = schedule.daysOfWeek.has(wall.weekday);
  return schedule.eitherDay ? dayOfMonth || dayOfWeek : dayOfMonth && dayOfWeek;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Reads the wall clock of a zone; throws a RangeError for an unknown zone. */
function wallClock(timeZone: string): (instant: number) => WallClock {
  const format = formats.get(timeZone) ?? dateFormat(timeZone);
  formats.set(timeZone, format);
  return (instant) => {
    const [month = 0, day = 0, year = 0, hour = 0, minute = 0] =
      format.format(instant).match(/\d+/g)?.map(Number) ?? [];
    return { month, day, weekday: new Date(Date.UTC(year, month - 1, day)).getUTCDay(), hour, minute };
  };
}

/** Expensive to make, and only as many are made as there are zones. */
function dateFormat(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('en-US', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
}

/** As CronJob's parser has it: a star in any part of the field counts, unless it has a step above 1. */
function isWildcard(field: string): boolean {
  return field.split(',').some((part) => /^[*?](\/1)?$/.test(part));
}

/** node-cron knows L, W and #, which CronJob does not; their slots are not computed here. */
function extensionProblems(expression: string): string[] {
  const { dayOfMonth, dayOfWeek } = parse(expression);
  return [...dayOfMonth, ...dayOfWeek]
    .filter((value) => typeof value === 'string')
    .map((value) => `"${value}" is not supported; use numbers, names, ranges, lists and steps`);
}

/** A range that runs backwards is an error for CronJob, while node-cron takes it as one that wraps around. */
function reversedRangeProblems(fields: readonly string[]): string[] {
  return fields
    .flatMap((field) => field.split(','))
    .filter((part) => {
      const [, from, to] = /^(\w+)-(\w+)(?:\/\d+)?$/.exec(part) ?? [];
      return from !== undefined && to !== undefined && fieldValue(from) > fieldValue(to);
    })
    .map((part) => `range "${part}" ends before it begins`);
}

const names = ['sun mon tue wed thu fri sat', '- jan feb mar apr may jun jul aug sep oct nov dec'].map((list) =>
  list.split(' '),
);

/** The number of a field's value, which may be the name of a weekday or a month. */
function fieldValue(text: string): number {
  const short = text.slice(0, 3).toLowerCase();
  const list = names.find((candidate) => candidate.includes(short));
  return list === undefined ? Number(text) : list.indexOf(short);
}
