import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';

/** A lock on the history of a node, or what is in the way of one. */
export type HistoryLock = {
  /** The reason why there is none. */
  readonly problem?: string;
  /** True if it was held for so long that others may have gone on without it. */
  hasEnded(): boolean;
  release(): void;
};

export type LockLimits = {
  /** So long others wait for the lock, and then go on without it: an owner that hangs holds nobody up for ever; 10 s. */
  readonly waitMs: number;
  /** So long it is good for, which ends before the first who waits goes on without it; 5 s. */
  readonly holdMs: number;
};

const usualLimits: LockLimits = { waitMs: 10_000, holdMs: 5_000 };
const retryMs = 20;
/** https://www.sqlite.org/rescode.html#busy */
const busy = 5;

/**
 * Takes the lock of which this is the file, waiting while another process has it. Node.js knows no file locks, but its
 * SQLite does: an exclusive transaction is a lock of the kernel's, across the pods of a node and on every filesystem. Its
 * owner is the process, and with the process it ends: none is ever left behind, so there is nothing to take over and no
 * clock to rely on. Nothing is written to the file, which stays empty: a full disk is no obstacle.
 */
export async function takeLock(path: string, limits: LockLimits = usualLimits): Promise<HistoryLock> {
  const database = new DatabaseSync(path, { open: false, timeout: 0 });
  try {
    database.open();
    if (await begin(database, limits)) return held(database, limits);
    return unheld(database, `another cleaner has held ${path} for ${limits.waitMs / 1_000} s`);
  } catch (error) {
    return unheld(database, `${path} can't be locked: ${error instanceof Error ? error.message : String(error)}`);
  }
}

async function begin(database: DatabaseSync, { waitMs }: LockLimits): Promise<boolean> {
  const giveUpAt = performance.now() + waitMs;
  while (!tryToBegin(database)) {
    if (performance.now() > giveUpAt) return false;
    await sleep(retryMs * (0.5 + Math.random()));
  }
  return true;
}

function tryToBegin(database: DatabaseSync): boolean {
  try {
    // A journal on the disk would be begun at once.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return true;
  } catch (error) {
    if (error instanceof Error && 'errcode' in error && error.errcode === busy) return false;
    throw error;
  }
}

function held(database: DatabaseSync, { holdMs }: LockLimits): HistoryLock {
  const endsAt = performance.now() + holdMs;
  return { hasEnded: () => performance.now() > endsAt, release: () => database.close() };
}

function unheld(database: DatabaseSync, problem: string): HistoryLock {
  if (database.isOpen) database.close();
  return { problem, hasEnded: () => false, release: () => {} };
}
