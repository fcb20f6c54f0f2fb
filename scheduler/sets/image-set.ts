import { parseSetTime } from '../../contract/images/image-set.ts';

/** The content of an image set, without its texts, which may be large. */
export type SetContent =
  /** `cause` is a part of a sentence after "it", and `advice` is the next step. */
  | { readonly kind: 'Unreadable'; readonly cause: string; readonly advice: string }
  | {
      readonly kind: 'Readable';
      /** The size of its texts in UTF-8. */
      readonly bytes: number;
      /** The number of lines that name images. */
      readonly entries: number;
      readonly invalidLines: number;
      /** The first malformed line: `key list.txt, line 3: …`. */
      readonly firstInvalid?: string;
    };

/** An image set in the namespace of the scheduler. */
export interface ImageSet {
  readonly name: string;
  /** Another content or another time has another version. */
  readonly version: string;
  /** The time of the last complete look at its source. Undefined if it is unknown. */
  readonly updatedAt: Date | undefined;
  readonly content: SetContent;
}

/** All image sets that the scheduler sees. */
export interface ImageSets {
  /** The place where they are, for messages: `in namespace nodesweep`. */
  readonly place: string;
  readonly byName: ReadonlyMap<string, ImageSet>;
}

/** The sets of a scheduler that sees none. */
export const noSets: ImageSets = { place: 'here', byName: new Map() };

/**
 * The time of a set: its annotation `nodesweep.io/updated-at`, or without it the time of its last change. A text that is no time
 * makes the age unknown, because the set may be older than its last change.
 */
export function timeOfSet(updatedAt: string | undefined, changedAt: Date | undefined): Date | undefined {
  if (updatedAt === undefined) return changedAt;
  const time = parseSetTime(updatedAt);
  return time === undefined ? undefined : new Date(time);
}
