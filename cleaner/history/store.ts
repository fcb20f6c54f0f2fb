import { access, constants } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { hasCode, messageOf } from '../../contract/errors.ts';
import type { Clock } from './clock.ts';
import { formatHistory, maxHistoryBytes, parseHistory } from './format.ts';
import type { History } from './history.ts';
import { type LockLimits, takeLock } from './lock.ts';
import type { HistoryStore, StoredHistory } from './run-history.ts';
import { makeDirectory, readSmallFile, replaceFile } from './state-file.ts';

/** The history can't be written. `cause` is the system error. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
}

/** The directory of a history, and the clock of its times. */
export type HistoryPlace = {
  /** The state directory. It is created if it does not exist. */
  readonly directory: string;
  readonly readClock: () => Promise<Clock>;
  readonly limits?: LockLimits;
  /** Called with the reason if a change is made without the lock. */
  readonly onUnlocked?: (problem: string) => void;
};

/** Maximum number of attempts if each takes longer than a lock is valid. The last one counts. */
const maxAttempts = 3;

/** The history in a directory, for a run. */
export function openHistoryStore(place: HistoryPlace): HistoryStore {
  return {
    readClock: place.readClock,
    load: () => loadHistory(place),
    change: (change) => changeHistory(place, change),
  };
}

/** The history in a directory, for a plan: it writes nothing, and rejects if a run could not write. */
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

/** Reads the history from the state directory. A damaged history is a result, never an error. */
export async function loadHistory({ directory, readClock }: HistoryPlace): Promise<StoredHistory> {
  const path = pathIn(directory);
  try {
    const text = await readSmallFile(path, maxHistoryBytes);
    // The clock must be read after the file, so that it is later than the time at which the file was written.
    const at = await readClock();
    const parsed = parseHistory(text, at);
    if (parsed === undefined) return { kind: 'Damaged', at, reason: `${path} is damaged or of another version` };
    const { history, oddRecords } = parsed;
    if (oddRecords === 0) return { kind: 'Found', at, history };
    return { kind: 'Found', at, history, reason: `${oddRecords} records of ${path} are impossible and are ignored` };
  } catch (error) {
    const at = await readClock();
    if (hasCode(error, 'ENOENT')) return { kind: 'Missing', at };
    return { kind: 'Damaged', at, reason: messageOf(error) };
  }
}

/**
 * Changes the history in the state directory while it holds the lock. If the lock is not available, it makes the change
 * without the lock. Rejects with a {@link HistoryError}.
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
      // The next cleaner overwrites a draft that a killed one left.
      const draft = lock.problem === undefined ? `${path}.tmp` : `${path}.${crypto.randomUUID()}.tmp`;
      const isWanted = () => attempt === maxAttempts || !lock.hasEnded();
      if (await replaceFile(path, draft, text, isWanted)) return;
    } finally {
      lock.release();
    }
  }
}

/** Rejects if a run could not create the directory, or could not write into it. */
async function checkWritable(directory: string): Promise<void> {
  try {
    await access(directory, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (!hasCode(error, 'ENOENT') || dirname(directory) === directory) throw error;
    await checkWritable(dirname(directory));
  }
}

function describeFailure(directory: string, cause: unknown): HistoryError {
  const why = messageOf(cause);
  return new HistoryError(`${pathIn(directory)} can't be written (${why})`, { cause });
}

function pathIn(directory: string): string {
  return join(directory, 'history.json');
}
