import { lastActive } from '../history/history.ts';
import type { Image } from '../runtime/runtime.ts';
import { type Facts, isExpired, recordOf } from './keep-rules.ts';
import { findSetCause, isCalledFor, type SetCause } from './set-rules.ts';
import { openLedger } from './shared-layers.ts';

export type Removal = {
  readonly image: Image;
  /** True if the image is removed at any disk usage. Otherwise it may be kept when usage is low enough. */
  readonly always: boolean;
  /** The estimated bytes that its removal frees after all earlier removals: its layers that no other image has then. */
  readonly freesBytes: number;
  /** The image set because of which it is removed; absent if there is none. */
  readonly cause?: SetCause;
};

/**
 * Orders removals: images that a set of `images.removeFrom` names come first, then others that are removed at any usage. The
 * removal of an image frees nothing while other images have all of its layers: such an image follows the last of these, or is
 * `useless` if they are kept.
 */
export function orderRemovals(facts: Facts, images: readonly Image[]) {
  const ledger = openLedger(facts.inventory.images, facts.inventory.details);
  const ordered = orderByActivity(facts, images);
  const always = ordered.filter((image) => alwaysGoes(facts, image));
  const toRemoval = (image: Image, always: boolean): Removal => {
    const cause = findSetCause(facts.sets, image);
    return { image, always, freesBytes: ledger.remove(image), ...(cause && { cause }) };
  };
  const removals = always.map((image) => toRemoval(image, true));
  const waiting = new Set(ordered.filter((image) => !alwaysGoes(facts, image)));
  for (const asked of [...waiting]) {
    for (const image of ledger.ask(asked)) {
      removals.push(toRemoval(image, false));
      waiting.delete(image);
    }
  }
  return { removals, useless: [...waiting] };
}

function alwaysGoes(facts: Facts, image: Image): boolean {
  return facts.job.disk === undefined || isCalledFor(facts.sets, image) || isExpired(facts, image);
}

/** Sorts by the call of a set, then last use (or first seen), then first seen, then the larger first, then ID. */
function orderByActivity(facts: Facts, images: readonly Image[]): readonly Image[] {
  return images
    .map((image) => ({ image, record: recordOf(facts.history, image), called: isCalledFor(facts.sets, image) }))
    .toSorted(
      (a, b) =>
        Number(b.called) - Number(a.called) ||
        lastActive(a.record) - lastActive(b.record) ||
        a.record.firstSeen - b.record.firstSeen ||
        b.image.sizeBytes - a.image.sizeBytes ||
        (a.image.id < b.image.id ? -1 : 1),
    )
    .map(({ image }) => image);
}
