import type { Policy } from '../policy/policy.ts';
import type { RunKind } from '../run/kind.ts';
import type { Run } from '../run/run.ts';
import { talliesOf } from '../run/summary.ts';
import { fieldWithQuestions, hasListed, sparesCopies } from './candidates.ts';
import { judgeCleanable } from './cleanable-nodes.ts';
import { type CleanupRun, cleanupJob } from './job.ts';
import { jobMapNames, packJob } from './job-maps.ts';
import { buildPod } from './pod.ts';
import { cleanerResult } from './pod-result.ts';
import { type CleanupDocument, type CleanupPolicy, cleanupSchema } from './policy.ts';
import { setNeeds } from './set-needs.ts';
import { addTallies, type CleanupTotals, decodeTally, describeTotals, encodeTally, type Tally } from './tally.ts';
import { warningsOf } from './warnings.ts';

/** Runs that remove unused images, one cleaner on each node. */
export const cleanup: RunKind<CleanupTotals> = {
  name: 'cleanup',
  schema: cleanupSchema,
  minimalDocument: { schedule: '@yearly' },
  words: { worker: 'cleaner', done: 'cleaned' },
  warningsOf: (policy: CleanupPolicy, _others, sets) => warningsOf(policy, sets),
  questions: { fieldOf: fieldWithQuestions, sparesCopies, hasListed },
  judgeNode: (node, { nodes }) => judgeCleanable(node, nodes),
  resultOf: cleanerResult,
  // The report of the cleaner has all of its result, so nothing is remembered before.
  endingOf: () => ({}),
  resourcesOf: () => [],
  isHeld: () => false,
  isTakenOver: () => true,
  servesNewNodes: () => false,
  isServed: () => true,
  encodeMemory: (memory) => memory,
  decodeMemory: (stored) => stored,
  encodeTally,
  decodeTally,
  totalsOf: addTallies,
  hasEffect: (tallies: readonly Tally[]) => addTallies(tallies).images.removed > 0,
  describeEffect: ({ dryRun }, totals) => describeTotals(dryRun, totals),
  needsWorkloadReferences: ({ images }: CleanupPolicy) => images.protectWorkloads,
  setsOf: (policy: CleanupPolicy) => setNeeds(policy),
  jobOf: (run: CleanupRun, { workloadReferences, setTimes }) =>
    cleanupJob(run, workloadReferences, setTimes && { ...setTimes }),
  packJob,
  jobMapNames,
  buildPod,
};

/** The totals of a run; undefined for one of another kind. */
export function cleanupTotals(run: Run): CleanupTotals | undefined {
  return run.kind === cleanup ? cleanup.totalsOf(talliesOf(run)) : undefined;
}

/** True for a policy that removes images. */
export function isCleanup<T extends { kind: RunKind; document: unknown; policy: Policy }>(
  parsed: T,
): parsed is T & { document: CleanupDocument; policy: CleanupPolicy } {
  return parsed.kind === cleanup;
}
