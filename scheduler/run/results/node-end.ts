import type { Node, RunPod } from '../../objects.ts';
import type { NodeProgress } from '../progress.ts';
import type { Run } from '../run.ts';
import type { LastResult } from './last-results.ts';

/** The end of the work of a run on a node, or of a part of it: its newest pod has done what it could. */
export interface NodeEnd {
  readonly run: Run;
  readonly name: string;
  readonly progress: NodeProgress;
  /** The progress before the end was seen. Only this has the memory of the kind. */
  readonly before: NodeProgress | undefined;
  /** The newest result of an earlier run on the node; undefined if there is none on record. */
  readonly lastResult: LastResult | undefined;
  /** Undefined once the node has left the cluster. */
  readonly node: Node | undefined;
  /** Undefined if the pod is gone. */
  readonly pod: RunPod | undefined;
  /** The time at which the end was seen. */
  readonly now: Date;
}

/** The names of the nodes on which a run, or its newest pod there, has ended since a version before. */
export function endedSince(before: Run, { nodes }: Run): readonly string[] {
  return [...nodes].flatMap(([name, progress]) =>
    hasEnded(progress) && isNews(progress, before.nodes.get(name)) ? [name] : [],
  );
}

function hasEnded({ state, attempts }: NodeProgress): boolean {
  return attempts > 0 && (state === 'Settled' || state === 'Continuing');
}

/** A pod that has done its part is counted once, also if the run ends before the next pod. */
function isNews(progress: NodeProgress, before: NodeProgress | undefined): boolean {
  return before === undefined || !hasEnded(before) || progress.attempts !== before.attempts;
}
