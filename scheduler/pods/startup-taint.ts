import type { Node, Taint } from '../objects.ts';
import { type Toleration, tolerates } from './tolerations.ts';

/** The taint with which nodes can join, so that workloads wait for the images of lists. The scheduler removes it. */
export const startupTaint = {
  key: 'nodesweep.io/prepull',
  value: 'pending',
  effect: 'NoSchedule',
} as const satisfies Taint;

/** True for exactly this taint. Somebody else has set one with another value or effect. */
export function isStartupTaint({ key, value, effect }: Taint): boolean {
  return key === startupTaint.key && value === startupTaint.value && effect === startupTaint.effect;
}

export function hasStartupTaint({ taints }: Pick<Node, 'taints'>): boolean {
  return taints.some(isStartupTaint);
}

/**
 * Tolerations with one for the startup taint, which waits for our pods. The kubelet runs a pod that is bound to the node in any
 * case, but other controllers evict pods that do not tolerate a taint of their node.
 */
export function withStartupToleration(tolerations: readonly Toleration[]): readonly Toleration[] {
  return tolerates(tolerations, startupTaint) ? tolerations : [...tolerations, { operator: 'Equal', ...startupTaint }];
}
