import * as z from 'zod';
import { repositoryOf } from '../../contract/images/reference.ts';
import type { ReferenceOutcome } from '../../contract/reference-outcomes.ts';
import { decodeRemovals, encodeRemovals, isUsed, type Removals, storedRemovalsSchema } from './removal/removals.ts';
import type { ImageState, ImageStates } from './states/image-state.ts';
import { decodeStates, encodeStates, type StoredStates } from './states/state-codec.ts';

/** The figures of a node: the state of each image that the run wanted there, by index. */
export interface Tally {
  readonly images: ImageStates;
  /** The outcomes of the images that the run had to remove; absent if there was none. */
  readonly removals?: Removals | undefined;
}

/** The sums of all nodes of a run: an image on a node counts as one. */
export interface PrepullTotals {
  readonly images: {
    wanted: number;
    present: number;
    failed: number;
    unknown: number;
    /** Images that are there but could not be pulled again; absent if there was none. */
    stale?: number;
    /** Images that were to be removed; absent if there was none. */
    removed?: number;
    inUse?: number;
  };
}

/** The figures of a node. An image of which nothing is known counts too. */
export function tallyOf(wanted: Iterable<number>, states: ImageStates, removals?: Removals): Tally {
  const sorted = [...new Set(wanted)].sort((one, other) => one - other);
  const images = new Map(sorted.map((index) => [index, states.get(index) ?? { state: 'Unknown' as const }]));
  return removals === undefined || removals.size === 0 ? { images } : { images, removals };
}

/** True if every image is present. */
export function isComplete({ images }: Tally): boolean {
  return [...images.values()].every(({ state }) => state === 'Present');
}

export function addTallies(tallies: readonly Tally[]): PrepullTotals {
  const counts = { wanted: 0, present: 0, failed: 0, unknown: 0, stale: 0 };
  for (const { images } of tallies) {
    counts.wanted += images.size;
    for (const { state } of images.values()) counts[countOf(state)] += 1;
  }
  const { stale, ...others } = counts;
  return { images: { ...others, ...(stale > 0 && { stale }), ...countRemovals(tallies) } };
}

function countRemovals(tallies: readonly Tally[]): { removed?: number; inUse?: number } {
  const removals = tallies.flatMap((tally) => tally.removals ?? []);
  const removed = countNamed(removals, ({ kind }) => kind === 'Removed');
  const inUse = countNamed(removals, isUsed);
  return { ...(removed > 0 && { removed }), ...(inUse > 0 && { inUse }) };
}

/** The number of images with an outcome. One that is removed by its tag may be on account by its digest, too. */
function countNamed(nodes: readonly Removals[], isMeant: (outcome: ReferenceOutcome) => boolean): number {
  return nodes.reduce((sum, removals) => {
    const meant = [...removals].flatMap(([reference, outcome]) => (isMeant(outcome) ? [reference] : []));
    const groups = [...Map.groupBy(meant, repositoryOf).values()].map((names) => {
      const versions = names.filter((name) => name.includes('@')).length;
      return Math.max(versions, names.length - versions);
    });
    return groups.reduce((count, number) => count + number, sum);
  }, 0);
}

function countOf(state: ImageState['state']): 'present' | 'failed' | 'stale' | 'unknown' {
  switch (state) {
    case 'Present':
      return 'present';
    case 'Failed':
      return 'failed';
    case 'Stale':
      return 'stale';
    // The run has ended, so nobody knows how far the pull got.
    case 'Pulling':
    case 'Unknown':
      return 'unknown';
    default:
      return state satisfies never;
  }
}

export function describeTotals({ images }: PrepullTotals): string {
  const { wanted, present, stale = 0, removed = 0, inUse = 0 } = images;
  const further = [
    ...(stale > 0 ? [`${stale} stale`] : []),
    ...(removed > 0 ? [`${removed} removed`] : []),
    ...(inUse > 0 ? [`${inUse} to remove still in use`] : []),
  ];
  return [`${present} of ${wanted} images present`, ...further].join(', ');
}

export function encodeTally({ images, removals }: Tally): StoredStates & { removals?: object } {
  return { ...encodeStates(images), ...(removals && { removals: encodeRemovals(removals) }) };
}

const removalsSchema = z.looseObject({ removals: storedRemovalsSchema.optional() });

/** Decodes the figures of a node. Throws if they are damaged. */
export function decodeTally(stored: unknown): Tally {
  const { removals, ...states } = removalsSchema.parse(stored);
  return { images: decodeStates(states), ...(removals && { removals: decodeRemovals(removals) }) };
}
