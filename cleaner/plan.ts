import { bytesAbove, type DiskUsage } from './disk-usage.ts';
import { lastActive } from './history.ts';
import type { KeepReason } from './keep-reason.ts';
import { type Facts, isExpired, makeKeepRules, recordOf } from './rules.ts';
import type { Image } from './runtime.ts';

export type Kept = { readonly image: Image; readonly reason: KeepReason };

export type Removal = {
  readonly image: Image;
  /** Whether it goes whatever the disk usage; otherwise it may stay once usage is low enough. */
  readonly always: boolean;
};

/** What is to happen to every image: each is in just one of the lists. */
export type Plan = {
  readonly kept: readonly Kept[];
  /** In the order in which they are to go. */
  readonly removals: readonly Removal[];
  /** The usage at which removal stops, except of those that always go; absent where all of them go. */
  readonly untilPercent?: number;
};

/** Decides about every image: removed in order of least recent activity, or kept for the strongest reason. */
export function makePlan(facts: Facts): Plan {
  const { images } = facts.inventory;
  const rules = makeKeepRules(facts);
  const kept: Kept[] = [];
  const removable: Image[] = [];
  for (const image of images) {
    const reason = firstReason(rules, image);
    if (reason === undefined) removable.push(image);
    else kept.push({ image, reason });
  }
  const { disk } = facts.job;
  return { kept, removals: orderRemovals(facts, removable), ...(disk && { untilPercent: disk.lowPercent }) };
}

/** Splits a plan at the point where the nominal sizes bring usage down to its target: what a dry run tells. */
export function foreseePlan(plan: Plan, diskUsage: DiskUsage | undefined): Plan {
  if (plan.untilPercent === undefined || diskUsage === undefined) return plan;
  let excessBytes = bytesAbove(plan.untilPercent, diskUsage);
  const removals: Removal[] = [];
  const spared: Kept[] = [];
  for (const removal of plan.removals) {
    if (removal.always || excessBytes > 0) {
      removals.push(removal);
      excessBytes -= removal.image.sizeBytes;
    } else {
      spared.push(keepBelowThreshold(removal));
    }
  }
  return { ...plan, removals, kept: [...plan.kept, ...spared] };
}

/** A removal that usage no longer calls for. */
export function keepBelowThreshold({ image }: Removal): Kept {
  return { image, reason: 'BelowThreshold' };
}

function firstReason(rules: ReturnType<typeof makeKeepRules>, image: Image): KeepReason | undefined {
  for (const rule of rules) {
    const reason = rule(image);
    if (reason !== undefined) return reason;
  }
  return undefined;
}

/** Those that always go come first; then last used (or else first seen), first seen, larger first, ID. */
function orderRemovals(facts: Facts, images: readonly Image[]): readonly Removal[] {
  return images
    .map((image) => ({ image, always: facts.job.disk === undefined || isExpired(facts, image) }))
    .map((removal) => ({ removal, record: recordOf(facts.history, removal.image.id) }))
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
