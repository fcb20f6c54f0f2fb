import type { Node } from '../../objects.ts';
import { asReady } from '../../run/rollout/eligibility.ts';
import type { PrepullPolicy } from '../policy.ts';
import { pullableOn, type WantedImage, wantedOn } from '../wanted.ts';
import type { NodeMemory } from './memory.ts';
import { partsOf } from './parts.ts';

/** The images of the next pod on a node. */
export interface NextImages {
  readonly images: readonly WantedImage[];
  /** True if the pod pulls nothing, and only keeps what is there. */
  readonly isHolding: boolean;
}

/** Selects the images of the next pod on a node: those to hold, or else the first part that is not over. */
export function nextImages(node: Node, policy: PrepullPolicy, memory: NodeMemory): NextImages {
  const { holding } = memory;
  if (holding === undefined) return { images: leftOn(node, policy, memory)[0] ?? [], isHolding: false };
  return { images: wantedOn(node, policy).filter(({ index }) => holding.includes(index)), isHolding: true };
}

/**
 * The parts of a node that no pod has pulled yet. A node that is not ready for a moment still needs them: the pod that comes
 * next waits for it.
 */
export function leftOn(node: Node, policy: PrepullPolicy, { over }: Pick<NodeMemory, 'over'>) {
  const known = new Set(over);
  return partsOf(pullableOn(asReady(node), policy).filter(({ index }) => !known.has(index)));
}
