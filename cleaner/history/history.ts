import type { ImageUsage } from '../runtime/inventory.ts';

/**
 * The record of what earlier runs saw of one image. Times are milliseconds since the epoch. Images are identified by their ID, and CRI has
 * no time of a pull, so an image that somebody else removes and pulls again between two looks keeps its record.
 */
export type ImageRecord = {
  /** The time of the first look that saw it; 0 for an image that is older than the history. */
  readonly firstSeen: number;
  /** The time of its last use: a look saw it in use, or its last container finished. Absent if it was never used. */
  readonly lastUsed?: number;
};

/** The records of what earlier runs saw on this node. */
export type History = {
  /** The time of the first look. */
  readonly startedAt: number;
  /** The time of the latest look. */
  readonly lookedAt: number;
  /** True if the wall clock was steady since then, so that it shows how long ago a container finished. */
  readonly isClockSteady: boolean;
  readonly images: ReadonlyMap<string, ImageRecord>;
};

/** An empty history that begins now, in which every image counts as just seen. */
export function emptyHistory(now: number): History {
  return { startedAt: now, lookedAt: Number.NEGATIVE_INFINITY, isClockSteady: false, images: new Map() };
}

/**
 * Adds a look at `seenAt`. Without a history every image counts as old, as in the kubelet, because it may be on the node for
 * a long time.
 *
 * Cleaners overlap, so the history may have a later look than this one. Then an image without a record was gone at the later
 * look, and an image that only the later look saw came in between. In both cases the later look counts.
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

/** The history without these images at `now`. An image that is pulled again after its removal is new. */
export function forgetImages(history: History, ids: Iterable<string>, now: number): History {
  const forgotten = new Set(ids);
  const images = new Map([...history.images].filter(([id]) => !forgotten.has(id)));
  return { ...history, lookedAt: Math.max(history.lookedAt, now), images };
}

/** Adds records of images that have none. */
export function recallImages(history: History, records: History['images']): History {
  return { ...history, images: new Map([...records, ...history.images]) };
}

/**
 * Moves all times by an offset, but not beyond `now`. Only time during which the node is known to be up counts: if the wall
 * clock advanced more than that, the history moves too, so that no image gets older.
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

/** The time of the last activity of an image: its last use, or the first look that saw it. */
export function lastActive({ firstSeen, lastUsed = firstSeen }: ImageRecord): number {
  return Math.max(firstSeen, lastUsed);
}

function markUsed(record: ImageRecord, usedAt: number): ImageRecord {
  return { ...record, lastUsed: Math.max(record.lastUsed ?? usedAt, usedAt) };
}

/** Avoids the time 0, which has another meaning, if a wrong clock shows it. */
function nonzero(time: number): number {
  return time === 0 ? 1 : time;
}
