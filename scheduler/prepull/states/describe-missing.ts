import type { PrepullPolicy } from '../policy.ts';
import { imagesOf } from '../wanted.ts';
import type { ImageState, ImageStates } from './image-state.ts';

/** The reason and the words for the images that are not as they should be on a node; both undefined if all are. */
export interface Missing {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

/**
 * Describes the images of a node that are missing, or else those that could not be pulled again. The reason is that of the first
 * failure, because a run shows one for each node; the figures have the others.
 */
export function describeMissing(states: ImageStates, policy: Pick<PrepullPolicy, 'lists'>): Missing {
  const missing = [...states].filter(([, { state }]) => state !== 'Present' && state !== 'Stale');
  const [first] = missing.toSorted(([, one], [, other]) => rankOf(one) - rankOf(other));
  if (first === undefined) return describeStale(states, policy);
  const [index, state] = first;
  return {
    reason: state.state === 'Failed' ? state.cause.reason : 'ImagesMissing',
    message: `${missing.length} of ${states.size} images are missing: ${nameOf(index, policy)}: ${wordsOf(state)}`,
  };
}

function describeStale(states: ImageStates, policy: Pick<PrepullPolicy, 'lists'>): Missing {
  const stale = [...states].filter(([, { state }]) => state === 'Stale');
  const [first] = stale;
  if (first === undefined) return {};
  const [index, state] = first;
  const count = `${stale.length} of ${states.size} images could not be pulled again, and may be outdated on the node`;
  return { reason: 'ImagesStale', message: `${count}: ${nameOf(index, policy)}: ${wordsOf(state)}` };
}

function nameOf(index: number, policy: Pick<PrepullPolicy, 'lists'>): string {
  return imagesOf(policy)[index] ?? `image ${index}`;
}

/** Failures come first, because they have a cause. */
function rankOf({ state }: ImageState): number {
  return state === 'Failed' ? 0 : 1;
}

function wordsOf(state: ImageState): string {
  if (!('cause' in state)) return 'nothing is known of its pull';
  const { reason, message } = state.cause;
  return message === undefined ? reason : `${reason}: ${message}`;
}
