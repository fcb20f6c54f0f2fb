import { splitReference } from '../../../contract/images/reference.ts';
import type { LastResult } from '../../run/results/last-results.ts';
import { statesIn } from '../states/by-reference.ts';
import type { ImageStates } from '../states/image-state.ts';
import type { WantedImage } from '../wanted.ts';

/**
 * The digests that the newest result on a node has shown for tags that are about to be pulled again, as `repository@digest`. A tag
 * that is pulled only if it is absent moves by no pull of ours.
 */
export function versionsIn(last: LastResult | undefined, pulled: readonly WantedImage[]): readonly string[] {
  const refreshed = new Set(
    pulled.filter(({ pullPolicy }) => pullPolicy === 'Always').map(({ reference }) => reference),
  );
  return [...statesIn(last)].flatMap(([reference, state]) => {
    if (!refreshed.has(reference) || !('digest' in state) || state.digest === undefined) return [];
    return [`${splitReference(reference).repository}@${state.digest}`];
  });
}

/**
 * True if a version may be what a wanted tag of its repository means on the node now. Only a run that has just found each of these
 * tags with another digest shows that it is not. The cleaner looks at the tags of other policies, and of others, by itself: it
 * removes no image that has a tag.
 */
export function mayBeCurrent(version: string, wanted: readonly WantedImage[], states: ImageStates): boolean {
  const { repository, digest } = splitReference(version);
  return wanted.some(({ index, reference }) => {
    const tagged = splitReference(reference);
    if (tagged.repository !== repository || tagged.digest !== undefined) return false;
    const state = states.get(index);
    if (state?.state === 'Failed' && state.isAbsent) return false;
    return state?.state !== 'Present' || state.digest === undefined || state.digest === digest;
  });
}
