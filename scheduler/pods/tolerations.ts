import type { Taint } from '../objects.ts';
import type { Policy } from '../policy/policy.ts';

export type Toleration = Policy['nodes']['tolerations'][number];

/**
 * True if a toleration tolerates the taint. As in the Kubernetes API, no key with Exists matches all taints, and no
 * effect all effects.
 */
export function tolerates(tolerations: readonly Toleration[], taint: Taint): boolean {
  return tolerations.some(
    (toleration) =>
      (toleration.effect === undefined || toleration.effect === taint.effect) &&
      (toleration.key === undefined ? toleration.operator === 'Exists' : toleration.key === taint.key) &&
      (toleration.operator === 'Exists' || (toleration.value ?? '') === (taint.value ?? '')),
  );
}
