import type { PrepullPolicy } from '../policy.ts';
import { imagesOf } from '../wanted.ts';
import type { ImageState, ImageStates } from './image-state.ts';

/** The reason and the words for the images that are missing on a node; both undefined if none is. */
export interface Missing {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}

/**
 * Describes the missing images of a node. The reason is that of the first failure, because a run shows one for each node; the
 * figures have the others.
 */
export function describeMissing(states: ImageStates, policy: Pick<PrepullPolicy, 'lists'>): Missing {
  const missing = [...states].filter(([, { state }]) => state !== 'Present');
  const [first] = missing.toSorted(([, one], [, other]) => rankOf(one) - rankOf(other));
  if (first === undefined) return {};
  const [index, state] = first;
  const reference = imagesOf(policy)[index] ?? `image ${index}`;
  return {
    reason: state.state === 'Failed' ? state.cause.reason : 'ImagesMissing',
    message: `${missing.length} of ${states.size} images are missing: ${reference}: ${wordsOf(state)}`,
  };
}

/** Failures come first, because they have a cause. */
function rankOf({ state }: ImageState): number {
  return state === 'Failed' ? 0 : 1;
}

function wordsOf(state: ImageState): string {
  if (state.state !== 'Failed') return 'nothing is known of its pull';
  const { reason, message } = state.cause;
  return message === undefined ? reason : `${reason}: ${message}`;
}
