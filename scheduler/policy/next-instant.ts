import type { CronFields } from './cron-expression.ts';
import type { WallClock, WallTime } from './wall-clock.ts';

/** The search ends after the fifth year, like that of CronJob. */
const searchYears = 5;
/** Maximum number of steps. A search over five years takes some hundreds of steps. */
const maxSteps = 20_000;

const hourSeconds = 3_600;
const minuteSeconds = 60;

/**
 * The first instant after `after` at which the wall clock matches all fields, in seconds since the epoch; undefined if
 * there is none in five years. It follows the steps of `SpecSchedule.Next` of github.com/robfig/cron/v3, so that a
 * policy behaves like a CronJob at a clock change.
 */
export function nextInstant(fields: CronFields, clock: WallClock, after: number): number | undefined {
  if ([fields.minutes, fields.hours, fields.months].some(({ size }) => size === 0)) return undefined;
  const search = new Search(clock, after + 1);
  const lastYear = search.wall.year + searchYears;
  while (search.wall.year <= lastYear && search.steps < maxSteps) {
    const isFound =
      seekMonth(search, fields) &&
      seekDay(search, fields) &&
      seekHour(search, fields) &&
      seekMinute(search, fields) &&
      seekSecond(search);
    if (isFound) return search.instant;
  }
  return undefined;
}

/** An instant that moves forward, with the reading of the clock. */
class Search {
  readonly clock: WallClock;
  instant: number;
  wall: WallTime;
  steps = 0;
  #isAligned = false;

  constructor(clock: WallClock, instant: number) {
    this.clock = clock;
    this.instant = instant;
    this.wall = clock.read(instant);
  }

  moveTo(instant: number): void {
    this.instant = instant;
    this.wall = this.clock.read(instant);
    this.steps += 1;
  }

  moveToWall(change: Partial<WallTime>): void {
    this.moveTo(this.clock.instantOf({ ...this.wall, ...change }));
  }

  /** Moves to the beginning of a unit, but only once, because each later step ends at a beginning. */
  align(change: Partial<WallTime>): void {
    if (!this.#isAligned) this.moveToWall(change);
    this.#isAligned = true;
  }

  alignToMinute(): void {
    if (!this.#isAligned) this.moveTo(this.instant - (this.instant % minuteSeconds));
    this.#isAligned = true;
  }
}

/** Moves to a month that matches. Returns false if the year has changed, because the larger unit must be checked again. */
function seekMonth(search: Search, { months }: CronFields): boolean {
  while (!months.has(search.wall.month)) {
    search.align({ day: 1, hour: 0, minute: 0, second: 0 });
    search.moveToWall({ month: search.wall.month + 1 });
    if (search.wall.month === 1) return false;
  }
  return true;
}

function seekDay(search: Search, fields: CronFields): boolean {
  while (!matchesDay(fields, search.wall)) {
    search.align({ hour: 0, minute: 0, second: 0 });
    search.moveToWall({ day: search.wall.day + 1 });
    // A clock change may make the day begin at one o'clock, or repeat midnight of the day before.
    const { hour } = search.wall;
    if (hour > 12) search.moveTo(search.instant + (24 - hour) * hourSeconds);
    else if (hour !== 0) search.moveTo(search.instant - hour * hourSeconds);
    if (search.wall.day === 1) return false;
  }
  return true;
}

function seekHour(search: Search, { hours }: CronFields): boolean {
  while (!hours.has(search.wall.hour)) {
    search.align({ minute: 0, second: 0 });
    search.moveTo(search.instant + hourSeconds);
    if (search.wall.hour === 0) return false;
  }
  return true;
}

function seekMinute(search: Search, { minutes }: CronFields): boolean {
  while (!minutes.has(search.wall.minute)) {
    search.alignToMinute();
    search.moveTo(search.instant + minuteSeconds);
    if (search.wall.minute === 0) return false;
  }
  return true;
}

function seekSecond(search: Search): boolean {
  const { second } = search.wall;
  if (second === 0) return true;
  search.alignToMinute();
  search.moveTo(search.instant + minuteSeconds);
  return false;
}

function matchesDay({ daysOfMonth, daysOfWeek, eitherDay }: CronFields, { day, weekday }: WallTime): boolean {
  const isDayOfMonth = daysOfMonth.has(day);
  const isDayOfWeek = daysOfWeek.has(weekday);
  return eitherDay ? isDayOfMonth || isDayOfWeek : isDayOfMonth && isDayOfWeek;
}
