import { hasCode, messageOf } from '../../contract/errors.ts';
import type { ImageUsage } from '../runtime/inventory.ts';
import { type Clock, isSteady, timeOf, unaccountedMs } from './clock.ts';
import { emptyHistory, forgetImages, type History, recallImages, shiftHistory, updateHistory } from './history.ts';

/** The stored history of a node. Its times belong to the clock `at`, which was read after the file. */
export type StoredHistory = { readonly at: Clock } & (
  | {
      readonly kind: 'Found';
      readonly history: History;
      /** The reason why records were ignored, if any were. */
      readonly reason?: string;
    }
  /** There was no earlier run on this node. */
  | { readonly kind: 'Missing' }
  | { readonly kind: 'Damaged'; readonly reason: string }
);

/** The store of the history of a node. */
export type HistoryStore = {
  readonly readClock: () => Promise<Clock>;
  readonly load: () => Promise<StoredHistory>;
  /**
   * Replaces the stored history by the result of `change`, which may be called several times. Other cleaners wait meanwhile.
   * Rejects if the history can't be written.
   */
  readonly change: (change: (stored: StoredHistory) => History) => Promise<void>;
};

/** A remark about the history. */
export type HistoryRemark = {
  readonly reason: 'FirstRun' | 'HistoryDamaged' | 'HistoryNotWritten';
  /** The problem, and what it means for the decision. */
  readonly message: string;
};

/** The history and time of a decision. */
export type Recollection = {
  readonly history: History;
  /** The time of the decision in milliseconds since the epoch, by the clock of the history. */
  readonly now: number;
};

/**
 * The history during one run. Images are taken out of the history before their removal, and put back if they were kept. If
 * the run is killed in between, an image that was not removed counts as new, which only delays its removal. In the opposite
 * order, an image that was removed and pulled again would count as old.
 */
export type RunHistory = {
  /** Adds a look, stores it, and returns the facts for the decision. A history that can't be stored is not reliable. */
  recall(usage: ImageUsage): Promise<Recollection>;
  /** Takes out images before their removal. */
  forget(ids: readonly string[]): Promise<void>;
  /** Puts back the forgotten images, except those that are or may be gone. */
  settle(gone: readonly string[]): Promise<void>;
};

type Look = { readonly usage: ImageUsage; readonly at: Clock };
type Forgotten = { readonly history: History; readonly at: Clock };

/** Opens the history for one run. Its methods never reject: each kind of problem becomes one remark. */
export function openHistory(store: HistoryStore, onRemark: (remark: HistoryRemark) => void): RunHistory {
  let isWritten = true;
  /** The look that is not yet stored. */
  let pending: Look | undefined;
  let forgotten: Forgotten | undefined;

  async function write(change: (stored: StoredHistory) => History): Promise<unknown> {
    try {
      await store.change(change);
      pending = undefined;
      return undefined;
    } catch (error) {
      return error ?? new Error('the history was not written');
    }
  }

  return {
    async recall(usage) {
      const look: Look = { usage, at: await store.readClock() };
      pending = look;
      let stored: StoredHistory | undefined;
      const problem = await write((current) => {
        stored = current;
        return addLook(current, look);
      });
      stored ??= await store.load();
      isWritten = problem === undefined;
      const { history, remarks } = judge(stored, look, problem);
      remarks.forEach(onRemark);
      return { history, now: stored.at.now };
    },

    async forget(ids) {
      await write((stored) => {
        const history = continueHistory(stored, pending);
        const images = new Map([...history.images].filter(([id]) => ids.includes(id)));
        forgotten = { history: { ...history, images }, at: stored.at };
        return forgetImages(history, ids, stored.at.now);
      });
    },

    async settle(gone) {
      const problem = await write((stored) => {
        const history = continueHistory(stored, pending);
        return forgetImages(bringBack(stored, history, forgotten), gone, stored.at.now);
      });
      if (problem === undefined || !isWritten) return;
      const consequence = 'in the next run, the images that this run tried to remove count as new';
      onRemark({ reason: 'HistoryNotWritten', message: `${messageOf(problem)}: ${consequence}` });
    },
  };
}

/** Without a stored history this is the first run, and every image counts as old. With a damaged one, each is just seen. */
function addLook(stored: StoredHistory, look: Look): History {
  if (stored.kind === 'Missing') return updateHistory(undefined, look.usage, timeOf(look.at, stored.at));
  return continueHistory(stored, look);
}

/** A history that disappeared during the run begins again, because it is unknown what other cleaners saw meanwhile. */
function continueHistory(stored: StoredHistory, look: Look | undefined): History {
  const history = stored.kind === 'Found' ? stored.history : emptyHistory(stored.at.now);
  if (look === undefined) return history;
  const isClockSteady = history.isClockSteady && isSteady(look.at, stored.at);
  const updated = updateHistory({ ...history, isClockSteady }, look.usage, timeOf(look.at, stored.at));
  return lacksUsed(updated, look.usage) ? forgetImages(updated, [], stored.at.now) : updated;
}

/** Drops forgotten records of images that are in use now, so that no older record is put back. */
function lacksUsed(history: History, { images, inUse }: ImageUsage): boolean {
  return images.some(({ id }) => inUse.has(id) && !history.images.has(id));
}

/**
 * A later look of another cleaner takes precedence: it has a record of each image that it saw.
 */
function bringBack(stored: StoredHistory, history: History, forgotten: Forgotten | undefined): History {
  if (forgotten === undefined || stored.kind !== 'Found') return history;
  if (stored.history.lookedAt > timeOf(forgotten.at, stored.at)) return history;
  const moved = shiftHistory(forgotten.history, unaccountedMs(forgotten.at, stored.at), stored.at.now);
  return recallImages(history, moved.images);
}

const firstRun = 'first run on this node: every image counts as old enough for minAge, and none as long unused';
const justSeen = 'every image counts as just seen';

/**
 * The facts for a decision. A history that can't be written does not show later uses, so every image counts as just seen.
 * On a full disk, however, old images must be removable: a valid history still shows which images are old, but none counts as
 * long unused.
 */
function judge(stored: StoredHistory, look: Look, problem: unknown) {
  const seenAt = timeOf(look.at, stored.at);
  const renewed = updateHistory(emptyHistory(seenAt), look.usage, seenAt);
  const remarks = stored.kind === 'Missing' ? [] : describeDamage(stored);
  const history = addLook(stored, look);
  if (problem === undefined) {
    return stored.kind === 'Missing'
      ? { history, remarks: [{ reason: 'FirstRun', message: firstRun } as const] }
      : { history, remarks };
  }
  const isUsable = stored.kind === 'Found' && isForWantOfRoom(problem);
  const consequence = isUsable ? 'no image counts as long unused' : justSeen;
  const notWritten = { reason: 'HistoryNotWritten', message: `${messageOf(problem)}: ${consequence}` } as const;
  return {
    history: isUsable ? { ...history, startedAt: stored.at.now } : renewed,
    remarks: [...remarks, notWritten],
  };
}

function describeDamage(stored: Exclude<StoredHistory, { kind: 'Missing' }>): readonly HistoryRemark[] {
  if (stored.reason === undefined) return [];
  const consequence = stored.kind === 'Damaged' ? justSeen : 'their images count as just seen';
  return [{ reason: 'HistoryDamaged', message: `${stored.reason}: ${consequence}` }];
}

function isForWantOfRoom(problem: unknown): boolean {
  return problem instanceof Error && hasCode(problem.cause, 'ENOSPC', 'EDQUOT');
}
