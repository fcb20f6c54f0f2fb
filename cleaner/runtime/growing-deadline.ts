/** The first deadline of a call that reads, in seconds, unless a lower limit is set. */
export const defaultReadSeconds = 30;
/** The longest deadline of a list, as a multiple of the first one. */
const maxGrowth = 4;

/** The first deadline of a call that reads, if a list gets at most `maxSeconds`. */
export function firstDeadline(readSeconds = defaultReadSeconds, maxSeconds = Number.POSITIVE_INFINITY): number {
  return Math.min(readSeconds, maxSeconds);
}

/** Makes a call with a deadline in seconds. */
export type CallWithin<T> = (seconds: number) => Promise<T>;

/**
 * Creates a caller of lists, which take longer on a node with more objects. If a call runs out of time, it is made again
 * with twice the time, up to `maxSeconds`. Later calls start with the time of the last one.
 */
export function createGrowingDeadline(firstSeconds: number, maxSeconds = maxGrowth * firstSeconds) {
  let known = firstSeconds;
  return async <T>(call: CallWithin<T>, hasRunOutOfTime: (ended: T) => boolean): Promise<T> => {
    for (let seconds = known; ; seconds = Math.min(2 * seconds, maxSeconds)) {
      const ended = await call(seconds);
      if (seconds < maxSeconds && hasRunOutOfTime(ended)) continue;
      known = Math.max(known, seconds);
      return ended;
    }
  };
}
