/** The reading of the wall clock of a time zone, in whole seconds. */
export interface WallTime {
  readonly year: number;
  /** From 1 to 12. */
  readonly month: number;
  readonly day: number;
  /** From 0 (Sunday) to 6. */
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** Reads the wall clock of a zone of the IANA database. Instants are in seconds since the epoch. */
export interface WallClock {
  readonly read: (instant: number) => WallTime;
  /**
   * The instant at which the clock shows a time, like Go's `time.Date`: a part that is too large increases
   * the next larger part, a time that occurs twice is one of the two, and a skipped time is shifted by the clock change.
   */
  readonly instantOf: (time: Omit<WallTime, 'weekday'>) => number;
}

/** True if `timeZone` is a name of the IANA time zone database. Offsets and `Local` are not such names. */
export function isTimeZone(timeZone: string): boolean {
  if (!/^[A-Za-z]/.test(timeZone)) return false;
  try {
    wallClock(timeZone);
    return true;
  } catch {
    return false;
  }
}

const clocks = new Map<string, WallClock>();

/** The clock of a time zone, from a cache. Throws a RangeError for an unknown zone. */
export function wallClock(timeZone: string): WallClock {
  const clock = clocks.get(timeZone) ?? newClock(timeZone);
  clocks.set(timeZone, clock);
  return clock;
}

function newClock(timeZone: string): WallClock {
  const offsetAt = offsets(timeZone);
  return {
    read: (instant) => readUtc(instant + offsetAt(instant)),
    instantOf: ({ year, month, day, hour, minute, second }) => {
      const local = Date.UTC(year, month - 1, day, hour, minute, second) / 1000;
      const offset = offsetAt(local);
      return local - offsetAt(local - offset);
    },
  };
}

function readUtc(seconds: number): WallTime {
  const date = new Date(seconds * 1000);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    hour: date.getUTCHours(),
    minute: date.getUTCMinutes(),
    second: date.getUTCSeconds(),
  };
}

/** Since 1972, all zones have changed their offset only at multiples of a quarter of an hour. */
const quarterSeconds = 900;
const maxKnownOffsets = 2_000;

/**
 * Returns a function that calculates the offset from UTC at an instant, in seconds. It has a cache, because the
 * calculation is slow.
 */
function offsets(timeZone: string): (instant: number) => number {
  const format = dateFormat(timeZone);
  const known = new Map<number, number>();
  return (instant) => {
    const quarter = Math.floor(instant / quarterSeconds);
    const offset = known.get(quarter);
    if (offset !== undefined) return offset;
    if (known.size >= maxKnownOffsets) known.clear();
    const found = readOffset(format, quarter * quarterSeconds);
    known.set(quarter, found);
    return found;
  };
}

function readOffset(format: Intl.DateTimeFormat, instant: number): number {
  const [month = 0, day = 0, year = 0, hour = 0, minute = 0] =
    format
      .format(instant * 1000)
      .match(/\d+/g)
      ?.map(Number) ?? [];
  return Date.UTC(year, month - 1, day, hour, minute) / 1000 - instant;
}

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
