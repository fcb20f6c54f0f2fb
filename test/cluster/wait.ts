import { setTimeout as sleep } from 'node:timers/promises';

const INTERVAL_MS = 100;

/** Asks until there is an answer. An exception counts as no answer yet; the last one is the cause of the timeout. */
export async function waitFor<T>(what: string, timeoutMs: number, ask: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let cause: unknown;
  do {
    try {
      const answer = await ask();
      if (answer !== undefined) return answer;
    } catch (error) {
      cause = error;
    }
    await sleep(INTERVAL_MS);
  } while (Date.now() < deadline);
  throw new Error(`Waited ${timeoutMs / 1000} s for ${what}`, { cause });
}
