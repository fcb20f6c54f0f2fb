import { RefusedError } from './error.ts';
import type { Verb } from './verbs.ts';

const maxTries = 5;
/**
 * No answer makes anybody wait for longer: a server that is overloaded gets what it asks for, a proxy's mistake does
 * not.
 */
export const maxWaitMs = 60_000;

/** The time to wait before a refused request is sent once more; undefined where that is for others to decide. */
export function retryDelayMs(verb: Verb, error: unknown, tries: number, random: number): number | undefined {
  if (!(error instanceof RefusedError) || tries >= maxTries) return undefined;
  // The server is busy, has done nothing, and says when to come again.
  if (error.retryAfterMs !== undefined) return Math.min(error.retryAfterMs, maxWaitMs) * (1 + random / 2);
  if (error.code === 429) return 1_000 * (1 + random);
  // Two creates met at the quota of the namespace: the loser has not been done.
  if (verb === 'create' && error.reason === 'Conflict') return 50 * 2 ** tries * (1 + random);
  return undefined;
}
