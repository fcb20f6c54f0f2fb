import { lastActive } from '../history/history.ts';
import type { Image } from '../runtime/runtime.ts';
import { type Facts, isExpired, recordOf } from './keep-rules.ts';
import { openLedger } from './shared-layers.ts';

export type Removal = {
  readonly image: Image;
  /** True if it goes whatever the disk usage; otherwise it may stay once usage is low enough. */
  readonly always: boolean;
  /** The bytes that its removal is likely to free after all those before it: its layers that no other image holds then. */
  readonly freesBytes: number;
};

/**
 * Those that always go come first. Of the others, an image whose layers are all held by images that stay would free
 * nothing: it waits until the last of these has gone, or is `useless` to remove if that never happens.
 */
export function orderRemovals(facts: Facts, images: readonly Image[]) {
  const ledger = openLedger(facts.inventory.images, facts.inventory.details);
  const ordered = orderByActivity(facts, images);
  const always = ordered.filter((image) => alwaysGoes(facts, image));
  const removals = always.map((image): Removal => ({ image, always: true, freesBytes: ledger.remove(image) }));
  const waiting = new Set(ordered.filter((image) => !alwaysGoes(facts, image)));
  for (const asked of [...waiting]) {
    for (const image of ledger.ask(asked)) {
      removals.push({ image, always: false, freesBytes: ledger.remove(image) });
      waiting.delete(image);
    }
  }
  return { removals, useless: [...waiting] };
}

function alwaysGoes(facts: Facts, image: Image): boolean {
  return facts.job.disk === undefined || isExpired(facts, image);
}

/** Last used (or else first seen) first; then first seen, larger first, ID. */
function orderByActivity(facts: Facts, images: readonly Image[]): readonly Image[] {
  return images
    .map((image) => ({ image, record: recordOf(facts.history, image) }))
    .toSorted(
      (a, b) =>
        lastActive(a.record) - lastActive(b.record) ||
        a.record.firstSeen - b.record.firstSeen ||
        b.image.sizeBytes - a.image.sizeBytes ||
        (a.image.id < b.image.id ? -1 : 1),
    )
    .map(({ image }) => image);
}
