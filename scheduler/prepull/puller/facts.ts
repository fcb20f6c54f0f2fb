import type { PodFacts } from '../../run/kind.ts';
import type { Run } from '../../run/run.ts';
import type { PrepullPolicy } from '../policy.ts';
import { canRemove } from '../removal/due.ts';
import { type Tally, tallyOf } from '../tally.ts';
import type { NodeMemory } from './memory.ts';
import { leftOn } from './next-images.ts';

/** The facts beside a puller. */
export interface PullerFacts extends PodFacts {
  readonly run: Run & { readonly spec: PrepullPolicy };
}

/** True if the run has to remove images from the node, and may do so. */
export function isToRemove(memory: NodeMemory, { run, node, due }: PullerFacts): boolean {
  if (node === undefined || due === undefined || !canRemove(node, run.spec, memory)) return false;
  return due(memory).length > 0;
}

/** The figures of all images of a node, also of those that no pod has begun with. */
export function tallyFor({ states, over, removing }: NodeMemory, { node, run }: PullerFacts): Tally {
  const left = node === undefined || run.trigger.type === 'Purge' ? [] : leftOn(node, run.spec, { over }).flat();
  return tallyOf([...states.keys(), ...over, ...left.map(({ index }) => index)], states, removing?.removals);
}
