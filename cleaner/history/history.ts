import type { ImageUsage } from '../runtime/inventory.ts';

/**
 * The memory of earlier runs of one image; times are milliseconds since the epoch. An ID is all that tells images apart, and no
 * runtime says over CRI when it pulled one: an image that somebody else removes and pulls again between two looks keeps its
 * record.
 */
export type ImageRecord = {
  /** When a run saw it first; 0 for an image that was there before the history was. */
  readonly firstSeen: number;
  /** When it was used last: seen used by a run, or the finish of its last container; absent if it never was. */
  readonly lastUsed?: number;
};

/** The memory of earlier runs on this node. */
export type History = {
  /** When the first of these runs was: nothing is known of the time before. */
  readonly startedAt: number;
  /** The latest moment of which the history tells which images there were. */
  readonly lookedAt: number;
  /** Tells that the wall clock kept pace since then, so that it tells how long ago a container finished. */
  readonly isClockSteady: boolean;
  readonly images: ReadonlyMap<string, ImageRecord>;
};

/** A history of which nothing is known but that it begins now: every image that is added to it counts as just seen. */
export function emptyHistory(now: number): History {
  return { startedAt: now, lookedAt: Number.NEGATIVE_INFINITY, isClockSteady: false, images: new Map() };
}

/**
 * Adds what a look saw at `seenAt`. Without a history, every image counts as old, as with the kubelet: what is there at the
 * start may have been there for ever.
 *
 * Cleaners overlap, so that the history may know of a later moment than this look. Then an image that it has no record of
 * was gone by that moment, and one that this look lacks came since. In both cases the later moment counts.
 */
export function updateHistory(history: History | undefined, usage: ImageUsage, seenAt: number): History {
  const known = history ?? { ...emptyHistory(seenAt), isClockSteady: true };
  const isLatest = seenAt > known.lookedAt;
  const unseen: ImageRecord = { firstSeen: history === undefined ? 0 : nonzero(seenAt) };
  const usedAt = (id: string) => {
    const finishedAt = isLatest && known.isClockSteady ? usage.finishedAt.get(id) : undefined;
    return finishedAt === undefined || Number.isNaN(finishedAt) ? seenAt : Math.min(finishedAt, seenAt);
  };
  const images = new Map([...known.images].filter(([, record]) => lastActive(record) > seenAt));
  for (const { id } of usage.images) {
    const record = known.images.get(id) ?? (isLatest ? unseen : undefined);
    if (record === undefined) continue;
    images.set(id, usage.inUse.has(id) ? markUsed(record, usedAt(id)) : record);
  }
  return { ...known, lookedAt: Math.max(known.lookedAt, seenAt), images };
}

/** The history without these images, as of `now`: one that comes back after its removal is a new one. */
export function forgetImages(history: History, ids: Iterable<string>, now: number): History {
  const forgotten = new Set(ids);
  const images = new Map([...history.images].filter(([id]) => !forgotten.has(id)));
  return { ...history, lookedAt: Math.max(history.lookedAt, now), images };
}

/** The history with these records, where it has none of the image itself. */
export function recallImages(history: History, records: History['images']): History {
  return { ...history, images: new Map([...records, ...history.images]) };
}

/**
 * Moves all times by so much, and none beyond `now`. Time counts only while the node is known to be up: where the wall
 * clock went on further than that, what the history tells moves along, and every image is as old as before.
 */
export function shiftHistory(history: History, ms: number, now: number): History {
  const shift = (time: number) => Math.min(time + ms, now);
  const images = [...history.images].map(([id, { firstSeen, lastUsed }]): [string, ImageRecord] => [
    id,
    {
      firstSeen: firstSeen === 0 ? 0 : nonzero(shift(firstSeen)),
      ...(lastUsed !== undefined && { lastUsed: shift(lastUsed) }),
    },
  ]);
  return {
    ...history,
    startedAt: shift(history.startedAt),
    lookedAt: shift(history.lookedAt),
    images: new Map(images),
  };
}

/** The last sign of life of an image: when it was used last or else seen first. */
export function lastActive({ firstSeen, lastUsed = firstSeen }: ImageRecord): number {
  return Math.max(firstSeen, lastUsed);
}

function markUsed(record: ImageRecord, usedAt: number): ImageRecord {
  return { ...record, lastUsed: Math.max(record.lastUsed ?? usedAt, usedAt) };
}

/** A clock that is set wrong may pass through the one time that means something else. */
function nonzero(time: number): number {
  return time === 0 ? 1 : time;
}
