import { type NodeProgress, resultOf } from './progress.ts';
import type { Run } from './run.ts';
import { talliesOf } from './summary.ts';

/**
 * The outcome of a run for users. `TargetNotMet`: all work was done, but some nodes are still above `lowPercent`.
 * `PartiallyFailed`: some of the work was done. `NoMatchingNodes`, `NoEligibleNodes`: there was no node to clean.
 */
export type RunOutcome =
  | 'Succeeded'
  | 'TargetNotMet'
  | 'PartiallyFailed'
  | 'NoMatchingNodes'
  | 'NoEligibleNodes'
  | 'Failed';

/** The outcome of a run; undefined until it has ended. */
export function outcomeOf(run: Pick<Run, 'kind' | 'phase' | 'reason' | 'nodes'>): RunOutcome | undefined {
  const { phase, reason } = run;
  switch (phase) {
    case 'Running':
    case 'Paused':
      return undefined;
    case 'Succeeded':
      // Earlier versions wrote runs without nodes in this way.
      return reason === 'TargetNotMet' || isWithoutNodes(reason) ? reason : 'Succeeded';
    case 'Failed':
      if (isWithoutNodes(reason)) return reason;
      return endedInPart(reason) && hasDoneSomething(run) ? 'PartiallyFailed' : 'Failed';
    default:
      return phase satisfies never;
  }
}

export function hasMissedTarget(progress: NodeProgress): boolean {
  return progress.state === 'Settled' && progress.result === 'Succeeded' && progress.reason === 'TargetNotMet';
}

function isWithoutNodes(reason: string | undefined): reason is 'NoMatchingNodes' | 'NoEligibleNodes' {
  return reason === 'NoMatchingNodes' || reason === 'NoEligibleNodes';
}

/** True if some nodes may have succeeded. With any other reason, the run ended as a whole. */
function endedInPart(reason: string | undefined): boolean {
  return reason === 'NodesFailed' || reason === 'NodesRefused' || reason === 'DeadlineExceeded';
}

function hasDoneSomething({ kind, nodes }: Pick<Run, 'kind' | 'nodes'>): boolean {
  const isDone = [...nodes.values()].some((progress) => resultOf(progress) === 'Succeeded');
  return isDone || kind.hasEffect(talliesOf({ nodes }));
}
