import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { hasCode } from '../../contract/system-error.ts';
import type { Clock } from './clock.ts';
import { formatHistory, maxHistoryBytes, parseHistory } from './format.ts';
import type { History } from './history.ts';
import { type LockLimits, takeLock } from './lock.ts';
import { makeDirectory, readSmallFile, replaceFile } from './state-file.ts';

export type LoadedHistory =
  | { readonly kind: 'Found'; readonly history: History }
  | { readonly kind: 'Missing' }
  | { readonly kind: 'Discarded'; readonly reason: string };

/** The history can't be written; the message says what that means for the next run. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
}

/** What to write, given what is there. */
export type HistoryChange = (stored: History | undefined) => History;

/** After so many tries that took longer than a lock is good for, the last one counts. */
const maxAttempts = 3;

/** Reads the history from the state directory. One that can't be relied on is as good as none, and never an error. */
export async function loadHistory(directory: string, clock: Clock): Promise<LoadedHistory> {
  const path = pathIn(directory);
  try {
    const history = parseHistory(await readSmallFile(path, maxHistoryBytes), clock);
    if (history !== undefined) return { kind: 'Found', history };
    return { kind: 'Discarded', reason: `${path} is damaged or of another version` };
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return { kind: 'Missing' };
    return { kind: 'Discarded', reason: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Changes the history in the state directory, which is made if need be. No other cleaner changes it meanwhile, unless the
 * lock can't be had: then the change is made all the same, and the reason is returned. Throws a {@link HistoryError}.
 */
export async function changeHistory(
  directory: string,
  clock: Clock,
  change: HistoryChange,
  limits?: LockLimits,
): Promise<string | undefined> {
  const path = pathIn(directory);
  try {
    await makeDirectory(directory);
    return await changeFile(path, clock, change, limits);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new HistoryError(`${path} can't be written, so that the next run won't know of this one: ${why}`, { cause });
  }
}

async function changeFile(
  path: string,
  clock: Clock,
  change: HistoryChange,
  limits: LockLimits | undefined,
): Promise<string | undefined> {
  const directory = dirname(path);
  for (let attempt = 1; ; attempt++) {
    const lock = await takeLock(join(directory, 'history.lock'), limits);
    try {
      const stored = await loadHistory(directory, clock);
      const text = formatHistory(change(stored.kind === 'Found' ? stored.history : undefined), clock);
      // One that a killed owner left is written over by the next.
      const draft = lock.problem === undefined ? `${path}.tmp` : `${path}.${randomUUID()}.tmp`;
      const isWanted = () => attempt === maxAttempts || !lock.hasEnded();
      if (await replaceFile(path, draft, text, isWanted)) return lock.problem;
    } finally {
      lock.release();
    }
  }
}

function pathIn(directory: string): string {
  return join(directory, 'history.json');
}
