import type { KeepReason } from '../../contract/keep-reason.ts';
import type { Image } from '../runtime/runtime.ts';
import { bytesAbove, type DiskUsage } from './disk-usage.ts';
import { type Facts, type KeepRule, makeKeepRules } from './keep-rules.ts';
import { orderRemovals } from './removal-order.ts';

export type Kept = { readonly image: Image; readonly reason: KeepReason; readonly message: string };

export type Removal = {
  readonly image: Image;
  /** Whether it goes whatever the disk usage; otherwise it may stay once usage is low enough. */
  readonly always: boolean;
  /** What its removal is likely to free after all those before it: its layers that no other image holds then. */
  readonly freesBytes: number;
};

/** What is to happen to every image: each is in just one of the lists. */
export type Plan = {
  readonly kept: readonly Kept[];
  /** In the order in which they are to go. */
  readonly removals: readonly Removal[];
  /** The usage at which removal stops, except of those that always go; absent where all of them go. */
  readonly untilPercent?: number;
};

/** What one rule says of an image. */
export type Verdict = { readonly rule: KeepReason; readonly keeps: boolean; readonly message: string };

/** Decides about every image: removed in order of least recent activity, or kept for the strongest reason. */
export function makePlan(facts: Facts): Plan {
  const { kept, removable } = sortOut(facts, makeKeepRules(facts));
  const { removals, useless } = orderRemovals(facts, removable);
  const { disk, images } = facts.job;
  const limit = images.maxPerRun ?? removals.length;
  return {
    kept: [
      ...kept,
      ...useless.map(keepUseless),
      ...removals.slice(limit).map((removal) => keepOverLimit(removal, limit)),
    ],
    removals: removals.slice(0, limit),
    // Without a measure nothing goes by thresholds; what goes at any usage still does.
    ...(disk && facts.diskUsage && { untilPercent: disk.lowPercent }),
  };
}

/** Whether there is any image that no rule keeps, as far as can be told before one was inspected. */
export function couldRemove(facts: Facts): boolean {
  // Which images are the newest may still change with their build times.
  const rules = makeKeepRules(facts).filter(({ reason }) => reason !== 'NewestInRepository');
  return facts.inventory.images.some((image) => keepForFirst(rules, image) === undefined);
}

/** What every rule says of an image, strongest first. */
export function judgeImage(rules: readonly KeepRule[], image: Image): readonly Verdict[] {
  return rules.map(({ reason, findCause, otherwise }) => {
    const cause = findCause(image);
    return { rule: reason, keeps: cause !== undefined, message: cause ?? otherwise };
  });
}

/** Splits a plan at the point where what it is likely to free brings usage down to its target: what a dry run tells. */
export function foreseePlan(plan: Plan, diskUsage: DiskUsage | undefined): Plan {
  if (plan.untilPercent === undefined || diskUsage === undefined) return plan;
  let excessBytes = bytesAbove(plan.untilPercent, diskUsage);
  const removals: Removal[] = [];
  const spared: Kept[] = [];
  for (const removal of plan.removals) {
    if (removal.always || excessBytes > 0) {
      removals.push(removal);
      excessBytes -= removal.freesBytes;
    } else {
      spared.push(keepBelowThreshold(removal));
    }
  }
  return { ...plan, removals, kept: [...plan.kept, ...spared] };
}

/** A removal that usage no longer calls for. */
export function keepBelowThreshold({ image }: Pick<Removal, 'image'>): Kept {
  return { image, reason: 'BelowThreshold', message: 'disk usage is at or below lowPercent without it' };
}

function sortOut({ inventory }: Facts, rules: readonly KeepRule[]) {
  const kept: Kept[] = [];
  const removable: Image[] = [];
  for (const image of inventory.images) {
    const found = keepForFirst(rules, image);
    if (found === undefined) removable.push(image);
    else kept.push(found);
  }
  return { kept, removable };
}

function keepForFirst(rules: readonly KeepRule[], image: Image): Kept | undefined {
  for (const { reason, findCause } of rules) {
    const message = findCause(image);
    if (message !== undefined) return { image, reason, message };
  }
  return undefined;
}

function keepUseless(image: Image): Kept {
  return { image, reason: 'BelowThreshold', message: 'would free nothing: images that stay hold all of its layers' };
}

function keepOverLimit({ image }: Removal, limit: number): Kept {
  return { image, reason: 'OverLimit', message: `${limit} others go first, and maxPerRun allows no more` };
}
