import { access, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode } from '../../contract/system-error.ts';
import type { Clock } from './clock.ts';
import { formatHistory, maxHistoryBytes, parseHistory } from './format.ts';
import type { History } from './history.ts';
import { type LockLimits, takeLock } from './lock.ts';
import type { HistoryStore, StoredHistory } from './run-history.ts';
import { makeDirectory, readSmallFile, replaceFile } from './state-file.ts';

/** The history can't be written; `cause` is the error of the system. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
}

/** The place of a history, and the clock that its times are read by. */
export type HistoryPlace = {
  /** The state directory. It is made if need be. */
  readonly directory: string;
  readonly readClock: () => Promise<Clock>;
  readonly limits?: LockLimits;
  /** Is told why a change is made without the lock. */
  readonly onUnlocked?: (problem: string) => void;
};

/** After so many tries that took longer than a lock is good for, the last one counts. */
const maxAttempts = 3;

/** The history in a directory, as a run uses it. */
export function openHistoryStore(place: HistoryPlace): HistoryStore {
  return {
    readClock: place.readClock,
    load: () => loadHistory(place),
    change: (change) => changeHistory(place, change),
  };
}

/** The history in a directory, as a plan uses it: nothing is written, and what a run could not write is refused. */
export function openReadOnlyStore(place: HistoryPlace): HistoryStore {
  return {
    readClock: place.readClock,
    load: () => loadHistory(place),
    change: async (change) => {
      change(await loadHistory(place));
      try {
        await checkWritable(place.directory);
      } catch (cause) {
        throw describeFailure(place.directory, cause);
      }
    },
  };
}

/** Reads the history from the state directory. One that can't be relied on is told as such, and is never an error. */
export async function loadHistory({ directory, readClock }: HistoryPlace): Promise<StoredHistory> {
  const path = pathIn(directory);
  try {
    const text = await readSmallFile(path, maxHistoryBytes);
    // Only a clock that is read after the file can't be that of a moment before it was written.
    const at = await readClock();
    const parsed = parseHistory(text, at);
    if (parsed === undefined) return { kind: 'Damaged', at, reason: `${path} is damaged or of another version` };
    const { history, oddRecords } = parsed;
    if (oddRecords === 0) return { kind: 'Found', at, history };
    return { kind: 'Found', at, history, reason: `${oddRecords} records of ${path} can't be right and are left out` };
  } catch (error) {
    const at = await readClock();
    if (hasCode(error, 'ENOENT')) return { kind: 'Missing', at };
    return { kind: 'Damaged', at, reason: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * Changes the history in the state directory. No other cleaner changes it meanwhile, unless the lock can't be had: then the
 * change is made all the same. Rejects with a {@link HistoryError}.
 */
export async function changeHistory(place: HistoryPlace, change: (stored: StoredHistory) => History): Promise<void> {
  try {
    await makeDirectory(place.directory);
    await changeFile(place, change);
  } catch (cause) {
    throw describeFailure(place.directory, cause);
  }
}

async function changeFile(place: HistoryPlace, change: (stored: StoredHistory) => History): Promise<void> {
  const path = pathIn(place.directory);
  for (let attempt = 1; ; attempt++) {
    const lock = await takeLock(join(place.directory, 'history.lock'), place.limits);
    if (lock.problem !== undefined) place.onUnlocked?.(lock.problem);
    try {
      const stored = await loadHistory(place);
      const text = formatHistory(change(stored), stored.at);
      // One that a killed owner left is written over by the next.
      const draft = lock.problem === undefined ? `${path}.tmp` : `${path}.${crypto.randomUUID()}.tmp`;
      const isWanted = () => attempt === maxAttempts || !lock.hasEnded();
      if (await replaceFile(path, draft, text, isWanted)) return;
    } finally {
      lock.release();
    }
  }
}

/** Rejects where a run could not write into the directory, or could not make it. */
async function checkWritable(directory: string): Promise<void> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(directory) === directory) throw error;
    await checkWritable(dirname(directory));
  }
}

function describeFailure(directory: string, cause: unknown): HistoryError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new HistoryError(`${pathIn(directory)} can't be written (${why})`, { cause });
}

function pathIn(directory: string): string {
  return join(directory, 'history.json');
}
