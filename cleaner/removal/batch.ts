import type { Removal } from '../plan/removal-order.ts';

/**
 * The number of removals that go into the first batch: one process start for so many costs little, and so few are soon
 * done.
 */
export const firstBatchSize = 50;
const minBatchSize = 10;
/** The first of many may be quick, and the next ones slow. */
const maxBatchSize = 150;
/** A stop waits for one batch, and nobody looks what is used meanwhile. */
const batchMs = 2_000;

/** The number of removals that go into the next batch, after one of `count` that could have had `size` and took so long. */
export function nextBatchSize(size: number, count: number, tookMs: number): number {
  const affordable = Math.floor((count * batchMs) / Math.max(tookMs, 1));
  return Math.max(Math.min(affordable, 2 * size, maxBatchSize), minBatchSize);
}

/**
 * Takes the next removals off the front of a queue, `maxCount` at most: those that always go, else as many as are likely
 * to free half of `excessBytes`, or one. What an image really frees is known only afterwards (some runtimes tell the
 * compressed size), so halving comes near the target without going far beyond it. Empty where nothing is to go any more.
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
