import { decodeOutcomes, type ReferenceOutcome } from '../../../contract/reference-outcomes.ts';
import { parseReport, type Report } from '../../../contract/report.ts';
import { cleanerResult } from '../../cleanup/pod-result.ts';
import type { RunPod } from '../../objects.ts';
import { hasEnded } from '../../pods/state.ts';
import type { PodResult } from '../../run/kind.ts';
import { type NodeMemory, noRemovals } from '../puller/memory.ts';
import { addRemovals, isUsed, type Removals } from './removals.ts';

/**
 * The further tries of a run to remove images that are in use. The kubelet needs about a minute to remove the containers of the
 * pod that held them.
 */
const maxFurtherTries = 4;
const pauseMs = 30_000;

/** The end of a removal on a node, or the result of its pod for the run. */
export type RemovalResult = PodResult | { readonly kind: 'Over'; readonly removals: Removals };

/** Reads the result of a pod that removes images. */
export function removalResult(pod: RunPod, memory: NodeMemory, now: Date): RemovalResult {
  const report = hasEnded(pod) ? parseReport(pod.containerMessage ?? '') : undefined;
  if (report === undefined || report.outcome === 'Failed') return withoutOutcomes(pod);
  const { tries, removals: before } = memory.removing ?? noRemovals;
  const removals = addRemovals(before, readOutcomes(pod, report));
  // A pod is read again and again until the next one exists.
  const used = tries.includes(pod.attempt) ? tries : [...tries, pod.attempt];
  if (used.length > maxFurtherTries || ![...removals.values()].some(isUsed)) return { kind: 'Over', removals };
  const retryAt = new Date(now.getTime() + pauseMs);
  return { kind: 'Continue', memory: { ...memory, removing: { tries: used, removals } }, retryAt };
}

/** The pod works, or has ended without a result: it is tried again as any cleaner is. Its figures are not those of a puller. */
function withoutOutcomes(pod: RunPod): PodResult {
  const result = cleanerResult(pod);
  return result.kind === 'Done' ? { ...result, tally: undefined } : result;
}

/** The pod itself says what it was told to remove. */
function readOutcomes({ due = [] }: RunPod, { references }: Report): Removals {
  const outcomes = decodeOutcomes(references, due.length);
  const unknown: ReferenceOutcome = { kind: 'Unknown' };
  return new Map(due.map((reference, index) => [reference, outcomes[index] ?? unknown]));
}
