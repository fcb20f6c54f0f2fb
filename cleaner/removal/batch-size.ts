import type { Removal } from '../plan/removal-order.ts';

/**
 * The number of removals in the first batch: enough for the cost of a process start, and few enough to end soon.
 */
export const firstBatchSize = 50;
const minBatchSize = 10;
/** Maximum growth of a batch, because the first removals may be faster than the next ones. */
const maxBatchSize = 150;
/** Target time of a batch: a stop waits for it, and usage is not read meanwhile. */
const batchMs = 2_000;

/** The size of the next batch, after a batch of `count` removals (of `size` possible) that took this long. */
export function nextBatchSize(size: number, count: number, tookMs: number): number {
  const affordable = Math.floor((count * batchMs) / Math.max(tookMs, 1));
  return Math.max(Math.min(affordable, 2 * size, maxBatchSize), minBatchSize);
}

/**
 * Takes the next removals, at most `maxCount`, from the front of a queue: those that are removed at any usage, otherwise as
 * many as probably free half of `excessBytes`, or one. The freed bytes are known only afterwards (some runtimes report the
 * compressed size), so halving approaches the target without going far beyond it. Empty if no more removals are needed.
 */
export function selectBatch<T extends { readonly removal: Removal }>(
  queue: readonly T[],
  excessBytes: number | undefined,
  maxCount: number,
): readonly T[] {
  const ahead = queue.slice(0, maxCount);
  const always = countWhile(ahead, ({ removal }) => removal.always || excessBytes === undefined);
  if (always > 0) return ahead.slice(0, always);
  if (excessBytes === undefined || excessBytes <= 0) return [];
  let leftBytes = excessBytes / 2;
  const fitting = countWhile(ahead, ({ removal }) => {
    leftBytes -= removal.freesBytes;
    return leftBytes >= 0;
  });
  return ahead.slice(0, Math.max(1, fitting));
}

function countWhile<T>(items: readonly T[], holds: (item: T) => boolean): number {
  const end = items.findIndex((item) => !holds(item));
  return end === -1 ? items.length : end;
}
