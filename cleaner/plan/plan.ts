import type { Image } from '../runtime/runtime.ts';
import { bytesAbove, type DiskUsage } from './disk-usage.ts';
import { type Judge, judgeBy, type Kept } from './judge.ts';
import { type Facts, type KeepRule, makeKeepRules } from './keep-rules.ts';
import { orderRemovals, type Removal } from './removal-order.ts';

/** The decision about every image: each is in just one of the lists. */
export type Plan = {
  readonly kept: readonly Kept[];
  /** In the order in which they are to go; the first that can, where a limit leaves no place for all. */
  readonly removals: readonly Removal[];
  /** The number of images that may be removed; absent where there is no limit. One that can't be removed takes no place. */
  readonly maxRemovals?: number;
  /** The sizes that may go in sum; absent where there is no limit. */
  readonly maxRemovedBytes?: number;
  /** The reason why nothing goes, if the plan would have been too much for the policy. */
  readonly refusal?: string;
  /** The usage at which removal stops, except of those that always go; absent where all of them go. */
  readonly untilPercent?: number;
};

/** Decides about every image: removed in order of least recent activity, or kept for the strongest reason. */
export function makePlan(facts: Facts, rules = makeKeepRules(facts)): Plan {
  const { kept, removable } = sortOut(facts, judgeBy(rules));
  const { removals, useless } = orderRemovals(facts, removable);
  const { disk, images } = facts.job;
  return {
    kept: [...kept, ...useless.map(keepUseless)],
    removals,
    ...(images.maxPerRun !== undefined && { maxRemovals: images.maxPerRun }),
    // Without a measure nothing goes by thresholds; what goes at any usage still does.
    ...(disk && facts.diskUsage && { untilPercent: disk.lowPercent }),
  };
}

/** True if there is any image that no rule keeps, as far as can be told before one was inspected. */
export function couldRemove(facts: Facts, rules: readonly KeepRule[] = makeKeepRules(facts)): boolean {
  // Which images are the newest may still change with their build times.
  const judge = judgeBy(rules.filter(({ reason }) => reason !== 'NewestInRepository'));
  return facts.inventory.images.some((image) => judge(image) === undefined);
}

/**
 * Splits a plan at the point where what it is likely to free brings usage down to its target, or where its limit is
 * reached: what a dry run tells.
 */
export function foreseePlan(plan: Plan, diskUsage: DiskUsage | undefined): Plan {
  const { untilPercent, maxRemovals = Number.POSITIVE_INFINITY } = plan;
  if (plan.maxRemovals === undefined && (untilPercent === undefined || diskUsage === undefined)) return plan;
  const thresholds = untilPercent !== undefined && diskUsage !== undefined;
  let excessBytes = thresholds ? bytesAbove(untilPercent, diskUsage) : Number.POSITIVE_INFINITY;
  const removals: Removal[] = [];
  const spared: Kept[] = [];
  for (const removal of plan.removals) {
    if (!removal.always && excessBytes <= 0) {
      spared.push(keepBelowThreshold(removal));
    } else if (removals.length >= maxRemovals) {
      spared.push(keepOverLimit(removal, plan));
    } else {
      removals.push(removal);
      excessBytes -= removal.freesBytes;
    }
  }
  return { ...plan, removals, kept: [...plan.kept, ...spared] };
}

/** A removal that usage no longer calls for. */
export function keepBelowThreshold({ image }: Pick<Removal, 'image'>): Kept {
  return { image, reason: 'BelowThreshold', message: 'disk usage is at or below lowPercent without it' };
}

/** A removal that the limits of a run leave no place for. */
export function keepOverLimit(
  { image }: Pick<Removal, 'image'>,
  { maxRemovals, maxRemovedBytes }: Pick<Plan, 'maxRemovals' | 'maxRemovedBytes'>,
): Kept {
  const limits = maxRemovedBytes === undefined ? 'maxPerRun allows' : 'maxPerRun and maxPercentPerRun allow';
  return { image, reason: 'OverLimit', message: `${maxRemovals} others go first, and ${limits} no more` };
}

function sortOut({ inventory }: Facts, judge: Judge) {
  const kept: Kept[] = [];
  const removable: Image[] = [];
  for (const image of inventory.images) {
    const found = judge(image);
    if (found === undefined) removable.push(image);
    else kept.push(found);
  }
  return { kept, removable };
}

function keepUseless(image: Image): Kept {
  return { image, reason: 'BelowThreshold', message: 'would free nothing: images that stay hold all of its layers' };
}
