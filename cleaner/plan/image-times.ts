import type { ImageRecord } from '../history/history.ts';

/** Times as they are told, in ISO 8601; without those that nothing is known of. */
export type ImageTimes = { readonly firstSeen?: string; readonly lastUsed?: string };

export function describeTimes({ firstSeen, lastUsed }: ImageRecord): ImageTimes {
  return {
    ...(firstSeen !== 0 && { firstSeen: isoTime(firstSeen) }),
    ...(lastUsed !== undefined && { lastUsed: isoTime(lastUsed) }),
  };
}

export function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
