import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../contract/errors.ts';

/** A lock on the history of a node, or the problem that prevents it. */
export type HistoryLock = {
  /** The reason why the lock is not held. */
  readonly problem?: string;
  /** True if the lock was held for so long that others may have continued without it. */
  hasEnded(): boolean;
  release(): void;
};

export type LockLimits = {
  /** Time after which others continue without the lock, so that a hung owner does not block them; 10 s. */
  readonly waitMs: number;
  /** Time for which the lock is valid, which ends before others continue without it; 5 s. */
  readonly holdMs: number;
};

const usualLimits: LockLimits = { waitMs: 10_000, holdMs: 5_000 };
const retryMs = 20;
/** https://www.sqlite.org/rescode.html#busy */
const busy = 5;

/**
 * Takes the lock of a file, and waits while another process holds it. Node.js has no file locks, but its SQLite has: an
 * exclusive transaction is a lock of the kernel, which holds across the pods of a node and on every filesystem. The kernel
 * releases it when the process ends, so there are no stale locks. Nothing is written to the file, so a full disk does not
 * matter.
 */
export async function takeLock(path: string, limits: LockLimits = usualLimits): Promise<HistoryLock> {
  const database = new DatabaseSync(path, { open: false, timeout: 0 });
  try {
    database.open();
    if (await begin(database, limits)) return held(database, limits);
    return unheld(database, `another cleaner has held ${path} for ${limits.waitMs / 1_000} s`);
  } catch (error) {
    return unheld(database, `${path} can't be locked: ${messageOf(error)}`);
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
    // Without this, SQLite creates a journal on the disk.
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
