import type { Node } from '../objects.ts';
import type { Policy } from '../policy/policy.ts';
import { nodeLost } from '../run/progress.ts';
import type { LastResult } from '../run/results/last-results.ts';
import type { PrepullPolicy } from './policy.ts';
import { statesByReference } from './states/by-reference.ts';
import type { Tally } from './tally.ts';
import { pullableOn, type WantedImage, wantedOn } from './wanted.ts';

/**
 * True if the last result on a node covers all images that the lists want there now. An image that could not be pulled is
 * covered as well, and tried again by the next refresh, unless its secrets or its pull policy are others now. A node that was lost
 * during its pulls is served again when it is ready, as a new one is.
 */
export function isServed(node: Node, policy: Policy, { run, progress }: LastResult): boolean {
  const wanted = pullableOn(node, policy as PrepullPolicy);
  if (run.trigger.type === 'Purge') return wanted.length === 0;
  const before = run.spec as PrepullPolicy;
  const tried = new Map(wantedOn(node, before).map((image) => [image.reference, image]));
  const tally = progress.tally as Tally | undefined;
  const states = tally && statesByReference(run, tally.images);
  if (states === undefined) return wanted.every((image) => isSame(image, tried.get(image.reference)));
  return wanted.every((image) => {
    const state = states.get(image.reference)?.state;
    if (state === 'Present') return true;
    return progress.reason !== nodeLost && state !== undefined && isSame(image, tried.get(image.reference));
  });
}

/** True if the image would be pulled in the same way. */
function isSame(now: WantedImage, before: WantedImage | undefined): boolean {
  return before?.pullPolicy === now.pullPolicy && before.secrets.join() === now.secrets.join();
}
