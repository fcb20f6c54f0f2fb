import type { DiskUsage } from '../../contract/disk-usage.ts';
import type { ReportError } from '../../contract/report.ts';
import type { Image } from '../runtime/runtime.ts';
import { bytesAbove } from './bytes-above.ts';
import { type Judge, judgeBy, type Kept } from './judge.ts';
import { type Facts, type KeepRule, makeKeepRules } from './keep-rules.ts';
import { orderRemovals, type Removal } from './removal-order.ts';

/** The decision about every image. Each image is in one of the lists. */
export type Plan = {
  readonly kept: readonly Kept[];
  /** Candidates in the order of removal. With a limit, the first that can be removed are removed. */
  readonly removals: readonly Removal[];
  /** The maximum number of images to remove; absent without a limit. An image that can't be removed does not count. */
  readonly maxRemovals?: number;
  /** The maximum sum of the sizes of removed images; absent without a limit. */
  readonly maxRemovedBytes?: number;
  /** The reason why nothing is removed, if the plan exceeds a limit of the policy, or if its image sets can't be read. */
  readonly refusal?: ReportError;
  /** The usage at which removal stops, except for images that are removed at any usage; absent if all are removed. */
  readonly untilPercent?: number;
};

/** Decides about every image: remove it, the least recently used first, or keep it for the strongest reason. */
export function makePlan(facts: Facts, rules = makeKeepRules(facts)): Plan {
  const { kept, removable } = sortOut(facts, judgeBy(rules));
  const { removals, useless } = orderRemovals(facts, removable);
  const { disk, images } = facts.job;
  return {
    kept: [...kept, ...useless.map(keepUseless)],
    removals,
    ...(images.maxPerRun !== undefined && { maxRemovals: images.maxPerRun }),
    // Without a measurement, thresholds remove nothing. Images that are removed at any usage are not affected.
    ...(disk && facts.diskUsage && { untilPercent: disk.lowPercent }),
  };
}

/** True if a rule keeps not every image, before any image is inspected. */
export function couldRemove(facts: Facts, rules: readonly KeepRule[] = makeKeepRules(facts)): boolean {
  // Build times may change which images are the newest.
  const judge = judgeBy(rules.filter(({ reason }) => reason !== 'NewestInRepository'));
  return facts.inventory.images.some((image) => judge(image) === undefined);
}

/**
 * Splits a plan for a dry run at the point where the estimated usage reaches its target, or where the limit is reached.
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

/** An image whose removal is not needed for the target usage. */
export function keepBelowThreshold({ image }: Pick<Removal, 'image'>): Kept {
  return { image, reason: 'BelowThreshold', message: 'disk usage is at or below lowPercent without it' };
}

/** An image beyond the limits of a run. */
export function keepOverLimit(
  { image }: Pick<Removal, 'image'>,
  { maxRemovals, maxRemovedBytes }: Pick<Plan, 'maxRemovals' | 'maxRemovedBytes'>,
): Kept {
  const message =
    maxRemovedBytes === undefined
      ? `${maxRemovals} others are removed first, and maxPerRun allows no more`
      : 'others are removed first, and maxPerRun or maxPercentPerRun allows no more';
  return { image, reason: 'OverLimit', message };
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
  return {
    image,
    reason: 'BelowThreshold',
    message: 'its removal would free nothing, because images that are kept have all of its layers',
  };
}
