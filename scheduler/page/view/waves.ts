import type { Run } from '../../run/run.ts';
import { countStates, type NodeState } from './causes.ts';

/** A wave of a run: nodes that start together. */
export interface Wave {
  readonly title: string;
  readonly state: 'Done' | 'Now' | 'Later';
  readonly done: number;
  readonly total: number;
}

/** The progress of a run that has not ended. */
export interface Waves {
  readonly counts: Readonly<Record<NodeState, number>>;
  readonly waves: readonly Wave[];
}

/** Divides the nodes of a run into canaries and the others, as the rollout starts them. */
export function wavesOf(run: Run): Waves {
  const counts = countStates(run);
  const total = run.nodes.size;
  const { canary, parallelism } = run.spec.rollout;
  const canaries = Math.min(canary, total);
  const proven = Math.min(counts.Succeeded, canaries);
  const areProven = proven === canaries;
  const ended = counts.Succeeded + counts.Failed + counts.Skipped;
  const others: Wave = {
    title: canaries === 0 ? `All nodes${limitOf(parallelism)}` : `The other nodes${limitOf(parallelism)}`,
    state: areProven ? 'Now' : 'Later',
    done: areProven ? ended - canaries : 0,
    total: total - canaries,
  };
  if (canaries === 0) return { counts, waves: [others] };
  const first: Wave = {
    title: 'Canary nodes that must succeed first',
    state: areProven ? 'Done' : 'Now',
    done: proven,
    total: canaries,
  };
  return { counts, waves: [first, others] };
}

function limitOf(parallelism: number | string): string {
  return parallelism === '100%' ? '' : `, at most ${parallelism} at a time`;
}
