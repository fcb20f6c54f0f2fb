import { formatBytes } from '../../contract/bytes.ts';
import { tooManyRemovals } from '../../contract/report.ts';
import type { Image } from '../runtime/runtime.ts';
import type { Facts } from './keep-rules.ts';
import { foreseePlan, type Plan } from './plan.ts';

/**
 * Refuses a plan that would probably remove a larger share of the node's images, or of their bytes, than
 * `images.maxPercentPerRun` allows: nothing is removed. Any other plan gets the share as a limit, because disk usage may
 * require more removals than expected.
 */
export function limitShare(plan: Plan, { job, inventory, diskUsage }: Facts): Plan {
  const percent = job.images.maxPercentPerRun;
  if (percent === undefined) return plan;
  const all = measure(inventory.images);
  const going = measure(foreseePlan(plan, diskUsage).removals.map(({ image }) => image));
  const limit = { count: Math.floor((percent / 100) * all.count), bytes: Math.floor((percent / 100) * all.bytes) };
  if (going.count > limit.count || going.bytes > limit.bytes) return refuse(plan, describe(going, all, percent));
  return {
    ...plan,
    maxRemovals: Math.min(plan.maxRemovals ?? Number.POSITIVE_INFINITY, limit.count),
    maxRemovedBytes: limit.bytes,
  };
}

type Measure = { readonly count: number; readonly bytes: number };

function measure(images: readonly Image[]): Measure {
  return { count: images.length, bytes: images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
}

function refuse(plan: Plan, message: string): Plan {
  const spared = plan.removals.map(({ image }) => ({ image, reason: 'OverLimit', message }) as const);
  const refusal = { reason: tooManyRemovals, message };
  return { ...plan, kept: [...plan.kept, ...spared], removals: [], refusal };
}

function describe(going: Measure, all: Measure, percent: number): string {
  const share = `${going.count} of ${all.count} images (${formatBytes(going.bytes)} of ${formatBytes(all.bytes)})`;
  return `${share} would be removed, more than images.maxPercentPerRun (${percent} %) allows, so nothing is removed: check with "nodesweep plan" that the policy means these images, or raise the limit`;
}
