import type { ImageUsage } from '../runtime/inventory.ts';

/**
 * What earlier runs saw of one image; times are milliseconds since the epoch. An ID is all that tells images apart, and no
 * runtime says over CRI when it pulled one: an image that somebody else removes and pulls again between two runs keeps its
 * record.
 */
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
  /** Whether the wall clock kept pace since the run before, so that it tells how long ago a container finished. */
  readonly isClockSteady: boolean;
  readonly images: ReadonlyMap<string, ImageRecord>;
};

/**
 * Adds what a run sees now, and forgets images that are gone, but for those that another cleaner saw later than this run.
 * Without a history, every image counts as old, as with the kubelet: what is there at the start may have been there for
 * ever.
 */
export function updateHistory(history: History | undefined, usage: ImageUsage, now: number): History {
  const { startedAt, isClockSteady, images } = history ?? { startedAt: now, isClockSteady: true, images: new Map() };
  const unseen: ImageRecord = { firstSeen: history === undefined ? 0 : now };
  const finishedAt = (id: string) => (isClockSteady ? usage.finishedAt.get(id) : undefined);
  const seenLater = [...images].filter(([, record]) => lastActive(record) >= now);
  const seenNow = usage.images.map(({ id }): [string, ImageRecord] => {
    const record = images.get(id) ?? unseen;
    return [id, usage.inUse.has(id) ? markUsed(record, finishedAt(id) ?? now, now) : record];
  });
  return { startedAt, isClockSteady, images: new Map([...seenLater, ...seenNow]) };
}

/** The history without these images: one that comes back after its removal is a new one. */
export function forgetImages(history: History, ids: Iterable<string>): History {
  const forgotten = new Set(ids);
  return { ...history, images: new Map([...history.images].filter(([id]) => !forgotten.has(id))) };
}

/** The history with what another one knows of these images, where it has no record of them itself. */
export function recallImages(history: History, other: History, ids: Iterable<string>): History {
  const missing = [...ids].flatMap((id): [string, ImageRecord][] => {
    const record = history.images.has(id) ? undefined : other.images.get(id);
    return record === undefined ? [] : [[id, record]];
  });
  return { ...history, images: new Map([...history.images, ...missing]) };
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
      firstSeen: firstSeen === 0 ? 0 : shift(firstSeen),
      ...(lastUsed !== undefined && { lastUsed: shift(lastUsed) }),
    },
  ]);
  return { ...history, startedAt: shift(history.startedAt), images: new Map(images) };
}

/** The last sign of life of an image: when it was used last or else seen first. */
export function lastActive({ firstSeen, lastUsed = firstSeen }: ImageRecord): number {
  return Math.max(firstSeen, lastUsed);
}

function markUsed(record: ImageRecord, usedAt: number, now: number): ImageRecord {
  const { lastUsed = usedAt } = record;
  return { ...record, lastUsed: Math.min(Math.max(lastUsed, usedAt), now) };
}
