import { lastActive } from './history.ts';
import type { Removal } from './plan.ts';
import { type Facts, isExpired, recordOf } from './rules.ts';
import type { Image } from './runtime.ts';
import { openLedger } from './shared-layers.ts';

/**
 * Those that always go come first. Of the others, an image whose layers are all held by images that stay would free
 * nothing: it waits until the last of these has gone, or is `useless` to remove if that never happens.
 */
export function orderRemovals(facts: Facts, images: readonly Image[]) {
  const ledger = openLedger(facts.inventory.images, facts.inventory.details);
  const removals: Removal[] = [];
  let waiting: readonly Image[] = [];
  const remove = (image: Image, always: boolean) => removals.push({ image, always, freesBytes: ledger.remove(image) });
  for (const { image, always } of orderByActivity(facts, images)) {
    if (!always && !ledger.frees(image)) {
      waiting = [...waiting, image];
      continue;
    }
    remove(image, always);
    for (let ready = waiting.find(ledger.frees); ready !== undefined; ready = waiting.find(ledger.frees)) {
      const next = ready;
      remove(next, false);
      waiting = waiting.filter((image) => image !== next);
    }
  }
  return { removals, useless: waiting };
}

/** Those that always go come first; then last used (or else first seen), first seen, larger first, ID. */
function orderByActivity(facts: Facts, images: readonly Image[]) {
  return images
    .map((image) => ({ image, always: facts.job.disk === undefined || isExpired(facts, image) }))
    .map((removal) => ({ removal, record: recordOf(facts.history, removal.image) }))
    .toSorted(
      (a, b) =>
        Number(b.removal.always) - Number(a.removal.always) ||
        lastActive(a.record) - lastActive(b.record) ||
        a.record.firstSeen - b.record.firstSeen ||
        b.removal.image.sizeBytes - a.removal.image.sizeBytes ||
        (a.removal.image.id < b.removal.image.id ? -1 : 1),
    )
    .map(({ removal }) => removal);
}
