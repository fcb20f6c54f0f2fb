import type { LastResult } from '../../run/results/last-results.ts';
import type { Run } from '../../run/run.ts';
import type { PrepullPolicy } from '../policy.ts';
import type { Tally } from '../tally.ts';
import { imagesOf } from '../wanted.ts';
import type { ImageState, ImageStates } from './image-state.ts';

/** The states of the images of a run by their references: another version of the policy has other indexes. */
export function statesByReference({ spec }: Run, states: ImageStates): ReadonlyMap<string, ImageState> {
  const images = imagesOf(spec as PrepullPolicy);
  const known = [...states].flatMap(([index, state]): [string, ImageState][] => {
    const reference = images[index];
    return reference === undefined ? [] : [[reference, state]];
  });
  return new Map(known);
}

/** The states of the images in the result of a run on a node, by their references. None if there is no result. */
export function statesIn(last: LastResult | undefined): ReadonlyMap<string, ImageState> {
  const tally = last?.progress.tally as Tally | undefined;
  return last === undefined || tally === undefined ? new Map() : statesByReference(last.run, tally.images);
}
