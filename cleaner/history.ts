import type { Usage } from './inventory.ts';

/** What earlier runs saw of one image; times are milliseconds since the epoch. */
export type ImageRecord = {
  /** When a run saw it first; 0 for an image that was there before the history was. */
  readonly firstSeen: number;
  /** When it was used last: seen used by a run, or the finish of its last container; absent if it never was. */
  readonly lastUsed?: number;
};

/** What earlier runs on this node saw. */
export type History = {
  /** When the first of these runs was: nothing is known of the time before. */
  readonly startedAt: number;
  readonly images: ReadonlyMap<string, ImageRecord>;
};

/**
 * Adds what a run sees now, and forgets images that are gone. Without a history, every image counts as old, as with the
 * kubelet: what is there at the start may have been there for ever.
 */
export function updateHistory(history: History | undefined, usage: Usage, now: number): History {
  const unseen: ImageRecord = { firstSeen: history === undefined ? 0 : now };
  const images = usage.images.map(({ id }): [string, ImageRecord] => {
    const record = history?.images.get(id) ?? unseen;
    return [id, usage.inUse.has(id) ? markUsed(record, usage.finishedAt.get(id) ?? now, now) : record];
  });
  return { startedAt: history?.startedAt ?? now, images: new Map(images) };
}

/** The history without these images: one that comes back after its removal is a new one. */
export function forgetImages(history: History, ids: ReadonlySet<string>): History {
  return { ...history, images: new Map([...history.images].filter(([id]) => !ids.has(id))) };
}

/** Joins what two cleaners saw at the same time: of each image of the first, the latest use that either of them saw. */
export function mergeHistories(history: History, other: History): History {
  const images = [...history.images].map(([id, record]): [string, ImageRecord] => {
    const lastUsed = other.images.get(id)?.lastUsed;
    return [id, lastUsed === undefined ? record : markUsed(record, lastUsed, lastUsed)];
  });
  return { ...history, images: new Map(images) };
}

/** The last sign of life of an image: when it was used last or else seen first. */
export function lastActive({ firstSeen, lastUsed = 0 }: ImageRecord): number {
  return Math.max(firstSeen, lastUsed);
}

function markUsed(record: ImageRecord, usedAt: number, now: number): ImageRecord {
  return { ...record, lastUsed: Math.max(record.lastUsed ?? 0, Math.min(usedAt, now)) };
}
