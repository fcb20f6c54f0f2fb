import { doublingPauseMs } from '../../journal/doubling-pause.ts';
import { RefusedError } from './error.ts';
import type { Verb } from './verbs.ts';

const maxTries = 5;
/**
 * Maximum delay for a Retry-After: long enough for an overloaded server, and a limit for a wrong value of a proxy.
 */
export const maxWaitMs = 60_000;

/** The pauses of a create that met another write to the same quota. */
const quotaPauses = { firstMs: 50, maxMs: 800 };

/** The delay before a refused request is sent again; undefined if the caller must decide. */
export function retryDelayMs(verb: Verb, error: unknown, tries: number, random: number): number | undefined {
  if (!(error instanceof RefusedError) || tries >= maxTries) return undefined;
  // The server is busy, has done nothing, and says when to try again.
  if (error.retryAfterMs !== undefined) return Math.min(error.retryAfterMs, maxWaitMs) * (1 + random / 2);
  if (error.code === 429) return 1_000 * (1 + random);
  // Two requests updated the quota of the namespace at the same time. This one was not done.
  if (verb === 'create' && error.reason === 'Conflict') return doublingPauseMs(tries + 1, quotaPauses) * (1 + random);
  return undefined;
}
