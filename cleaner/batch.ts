import type { Removal } from './plan.ts';

/** One process start for so many removals costs little, and so few are soon done when a stop is asked for. */
const maxBatch = 50;

/**
 * Takes the next removals off the front of a queue: those that always go, else as many as are likely to free half of
 * `excessBytes`, or one. What an image really frees is known only afterwards (some runtimes tell the compressed size), so
 * halving comes near the target without going far beyond it. Empty where nothing is to go any more.
 */
export function selectBatch<T extends { readonly removal: Removal }>(
  queue: readonly T[],
  excessBytes: number | undefined,
): readonly T[] {
  const ahead = queue.slice(0, maxBatch);
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
