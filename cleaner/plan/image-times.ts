import type { ImageRecord } from '../history/history.ts';

/** Times of an image in ISO 8601, without those that are unknown. */
export type ImageTimes = { readonly firstSeen?: string; readonly lastUsed?: string };

/** Omits times that have no ISO 8601 form: a wrong clock must not end a run. */
export function describeTimes({ firstSeen, lastUsed }: ImageRecord): ImageTimes {
  return {
    ...(firstSeen !== 0 && isTellable(firstSeen) && { firstSeen: isoTime(firstSeen) }),
    ...(lastUsed !== undefined && isTellable(lastUsed) && { lastUsed: isoTime(lastUsed) }),
  };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}

/** ISO 8601 without extensions has the years 0 to 9999. */
function isTellable(ms: number): boolean {
  const year = new Date(ms).getUTCFullYear();
  return year >= 0 && year <= 9_999;
}
