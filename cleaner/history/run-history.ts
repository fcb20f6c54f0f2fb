import { hasCode } from '../../contract/system-error.ts';
import type { ImageUsage } from '../runtime/inventory.ts';
import { type Clock, isSteady, timeOf, unaccountedMs } from './clock.ts';
import { emptyHistory, forgetImages, type History, recallImages, shiftHistory, updateHistory } from './history.ts';

/** The stored history of a node. All times in it are in terms of the clock `at`, which was read after the file. */
export type StoredHistory = { readonly at: Clock } & (
  | {
      readonly kind: 'Found';
      readonly history: History;
      /** Says which records were left out, if any were. */
      readonly reason?: string;
    }
  /** No run was here before. */
  | { readonly kind: 'Missing' }
  | { readonly kind: 'Damaged'; readonly reason: string }
);

/** The store of the history of a node. */
export type HistoryStore = {
  readonly readClock: () => Promise<Clock>;
  readonly load: () => Promise<StoredHistory>;
  /**
   * Replaces what is stored by what `change` makes of it, while no other cleaner does; `change` may be called several times.
   * Rejects where it can't be written.
   */
  readonly change: (change: (stored: StoredHistory) => History) => Promise<void>;
};

/** A remark about the history. */
export type HistoryRemark = {
  readonly reason: 'FirstRun' | 'HistoryDamaged' | 'HistoryNotWritten';
  /** Says what that means for the decision. */
  readonly message: string;
};

/** The base of a decision. */
export type Recollection = {
  readonly history: History;
  /** The time of the decision, in milliseconds since the epoch, by the same clock as the times of the history. */
  readonly now: number;
};

/**
 * The history in the course of one run. What is to be removed leaves the history beforehand, and what stayed after all comes
 * back into it afterwards: were the run killed in between, an image that was removed and pulled again would pass for an old
 * one. The other way round, an image that was not removed passes for a new one, which only delays its removal.
 */
export type RunHistory = {
  /** Adds what a look saw just now, and tells what is known. It is stored first: what can't be stored can't be relied on. */
  recall(usage: ImageUsage): Promise<Recollection>;
  /** Takes out images that are about to be removed. */
  forget(ids: readonly string[]): Promise<void>;
  /** Brings back the forgotten images, but for those that are gone or may be. */
  settle(gone: readonly string[]): Promise<void>;
};

type Look = { readonly usage: ImageUsage; readonly at: Clock };
type Forgotten = { readonly history: History; readonly at: Clock };

/** Opens the history for one run. None of its methods rejects: what goes wrong is told as a remark, once for each reason. */
export function openHistory(store: HistoryStore, onRemark: (remark: HistoryRemark) => void): RunHistory {
  let isWritten = true;
  /** The look that is not stored yet. */
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
      const consequence = 'the next run will take the images that this one tried to remove for new ones';
      onRemark({ reason: 'HistoryNotWritten', message: `${messageOf(problem)}: ${consequence}` });
    },
  };
}

/** If nothing is stored it is the first run, and every image counts as old; if it is damaged, each is just seen. */
function addLook(stored: StoredHistory, look: Look): History {
  if (stored.kind === 'Missing') return updateHistory(undefined, look.usage, timeOf(look.at, stored.at));
  return continueHistory(stored, look);
}

/** A history that was there when the run began and is not any more begins anew: nobody knows what others saw meanwhile. */
function continueHistory(stored: StoredHistory, look: Look | undefined): History {
  const history = stored.kind === 'Found' ? stored.history : emptyHistory(stored.at.now);
  if (look === undefined) return history;
  const isClockSteady = history.isClockSteady && isSteady(look.at, stored.at);
  const updated = updateHistory({ ...history, isClockSteady }, look.usage, timeOf(look.at, stored.at));
  return lacksUsed(updated, look.usage) ? forgetImages(updated, [], stored.at.now) : updated;
}

/** A use that has no record to go into is remembered in that nobody brings back a record from before it. */
function lacksUsed(history: History, { images, inUse }: ImageUsage): boolean {
  return images.some(({ id }) => inUse.has(id) && !history.images.has(id));
}

/**
 * Another cleaner that has looked since knows better: it has a record of an image that is there, and else saw that it
 * isn't.
 */
function bringBack(stored: StoredHistory, history: History, forgotten: Forgotten | undefined): History {
  if (forgotten === undefined || stored.kind !== 'Found') return history;
  if (stored.history.lookedAt > timeOf(forgotten.at, stored.at)) return history;
  const moved = shiftHistory(forgotten.history, unaccountedMs(forgotten.at, stored.at), stored.at.now);
  return recallImages(history, moved.images);
}

const firstRun = 'no run was here before: every image counts as old enough, and none as long unused';
const justSeen = 'every image counts as just seen';

/**
 * Tells what a decision may rest on. A history that can't be written tells nothing of what was used since it last was, so
 * that every image counts as just seen. The exception is a full disk, on which old images must be able to go: a good history
 * still tells which these are, and it can be written again as soon as there is room. But none counts as long unused.
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

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
