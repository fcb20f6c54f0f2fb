import type { ImageState, ImageStates } from './states/image-state.ts';
import { decodeStates, encodeStates, type StoredStates } from './states/state-codec.ts';

/** The figures of a node: the state of each image that the run wanted there, by index. */
export interface Tally {
  readonly images: ImageStates;
}

/** The sums of all nodes of a run: an image on a node counts as one. */
export interface PrepullTotals {
  readonly images: { wanted: number; present: number; failed: number; unknown: number };
}

/** The figures of a node. An image of which nothing is known counts too. */
export function tallyOf(wanted: Iterable<number>, states: ImageStates): Tally {
  const sorted = [...new Set(wanted)].sort((one, other) => one - other);
  return { images: new Map(sorted.map((index) => [index, states.get(index) ?? { state: 'Unknown' }])) };
}

/** True if every image is present. */
export function isComplete({ images }: Tally): boolean {
  return [...images.values()].every(({ state }) => state === 'Present');
}

export function addTallies(tallies: readonly Tally[]): PrepullTotals {
  const counts = { wanted: 0, present: 0, failed: 0, unknown: 0 };
  for (const { images } of tallies) {
    counts.wanted += images.size;
    for (const { state } of images.values()) counts[countOf(state)] += 1;
  }
  return { images: counts };
}

function countOf(state: ImageState['state']): 'present' | 'failed' | 'unknown' {
  switch (state) {
    case 'Present':
      return 'present';
    case 'Failed':
      return 'failed';
    // The run has ended, so nobody knows how far the pull got.
    case 'Pulling':
    case 'Unknown':
      return 'unknown';
    default:
      return state satisfies never;
  }
}

export function describeTotals({ images: { wanted, present } }: PrepullTotals): string {
  return `${present} of ${wanted} images present`;
}

export function encodeTally({ images }: Tally): StoredStates {
  return encodeStates(images);
}

/** Decodes the figures of a node. Throws if they are damaged. */
export function decodeTally(stored: unknown): Tally {
  return { images: decodeStates(stored) };
}
