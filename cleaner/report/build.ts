import type { DiskUsage } from '../../contract/disk-usage.ts';
import type { Job } from '../../contract/job.ts';
import { encodeOutcomes } from '../../contract/reference-outcomes.ts';
import { imageSetUnreadable, type Report, type ReportError } from '../../contract/report.ts';
import type { Kept } from '../plan/judge.ts';
import type { Plan } from '../plan/plan.ts';
import type { Outcome, RemovalResult, SweepResult } from '../removal/verify.ts';
import { describeMissed, findMissedTarget } from './missed-target.ts';
import { judgeReferences } from './reference-outcomes.ts';
import { countBySet } from './set-figures.ts';
import { fitReport } from './size-limit.ts';

/** The facts for a report. */
export type Findings = {
  readonly dryRun: boolean;
  /** True if the run only lists the images that no rule keeps. */
  readonly listsCandidates?: boolean | undefined;
  /** The thresholds of the policy, where it has any. */
  readonly disk?: Job['disk'];
  /** The references of a job that removes only the images they name. */
  readonly removeReferences?: Job['removeReferences'];
  /** True if the list of images has entries that can't be understood. */
  readonly hasUnreadableImages?: boolean;
  readonly plan: Plan;
  /** Empty in a dry run. */
  readonly result: SweepResult;
  /** Absent if it could not be measured. */
  readonly before?: DiskUsage | undefined;
  readonly after?: DiskUsage | undefined;
  /** Errors that are not about the removal of an image. */
  readonly errors: readonly ReportError[];
};

/** The report of a run that made a plan. In a dry run, planned images count neither as removed nor as kept. */
export function buildReport(findings: Findings, durationMs: number): Report {
  const { plan, result, errors } = findings;
  const count = (kind: Outcome['kind']) => result.results.filter(({ outcome }) => outcome.kind === kind).length;
  const kept = [...plan.kept, ...result.spared];
  const missed = findMissedTarget(findings);
  const outcome = judgeRun(findings, missed !== undefined);
  const target = missed === undefined ? [] : [describeMissed(missed)];
  const failures = result.results.flatMap(describeFailure);
  // The first error must be the reason for the outcome, and many failures must not displace the other errors.
  const causes = outcome === 'TargetNotMet' ? target : [...describeRefusal(plan), ...describeStop(result)];
  const leading = [...causes, ...failures.slice(0, 1)];
  const trailing = [...failures.slice(1), ...(outcome === 'TargetNotMet' ? [] : target)];
  return fitReport({
    version: 1,
    outcome,
    images: {
      total: plan.kept.length + plan.removals.length,
      inUse: kept.filter(({ reason }) => reason === 'InUse').length,
      removed: count('removed'),
      failed: count('failed'),
      skipped: count('skipped'),
      unknown: count('unknown'),
      kept: kept.length,
    },
    ...measure(findings),
    ...(missed && { keptBytes: missed.keptBytes }),
    keptByReason: countByReason(kept),
    ...describeReferences(findings),
    ...countBySet(kept, result.results),
    ...(findings.listsCandidates && { candidates: plan.removals.length }),
    durationMs,
    errors: [...leading, ...errors, ...trailing],
    omitted: 0,
  });
}

/** The report of a run that ended with an error before it made a plan. */
export function buildFailure(errors: readonly ReportError[], durationMs: number): Report {
  return fitReport({
    version: 1,
    outcome: 'Failed',
    images: { total: 0, inUse: 0, removed: 0, failed: 0, skipped: 0, unknown: 0, kept: 0 },
    bytes: { freed: 0, nominal: 0 },
    filesystem: { capacityBytes: 0, usedBeforeBytes: 0, usedAfterBytes: 0 },
    durationMs,
    errors: [...errors],
    omitted: 0,
  });
}

/** Counts kept images by their reason, the most frequent reason first. */
function countByReason(kept: readonly Kept[]): NonNullable<Report['keptByReason']> {
  const groups = [...Map.groupBy(kept, ({ reason }) => reason)].toSorted(
    ([, one], [, other]) => other.length - one.length,
  );
  return Object.fromEntries(
    groups.map(([reason, images]) => [
      reason,
      { images: images.length, bytes: images.reduce((sum, { image }) => sum + image.sizeBytes, 0) },
    ]),
  );
}

function judgeRun(
  { dryRun, plan: { refusal }, result: { results, stopped } }: Findings,
  isTargetMissed: boolean,
): Report['outcome'] {
  // Nobody can plan what sets that can't be read allow, so a dry run fails too.
  if (refusal?.reason === imageSetUnreadable) return 'Failed';
  if (dryRun) return 'DryRun';
  if (refusal !== undefined) return 'Failed';
  const wasTried = ({ outcome }: RemovalResult) => outcome.kind !== 'skipped';
  if (stopped !== undefined) return results.some(wasTried) ? 'PartiallyFailed' : 'Failed';
  const isBad = ({ outcome }: RemovalResult) => outcome.kind === 'failed' || outcome.kind === 'unknown';
  if (results.some(isBad)) return 'PartiallyFailed';
  return isTargetMissed ? 'TargetNotMet' : 'Succeeded';
}

function measure({ dryRun, plan, result, before, after = before }: Findings): Pick<Report, 'bytes' | 'filesystem'> {
  const removed = result.results.filter(({ outcome }) => outcome.kind === 'removed').map(({ removal }) => removal);
  const counted = dryRun ? plan.removals : removed;
  const usedBeforeBytes = before?.usedBytes ?? 0;
  const usedAfterBytes = after?.usedBytes ?? 0;
  return {
    bytes: {
      freed: Math.max(0, usedBeforeBytes - usedAfterBytes),
      nominal: counted.reduce((sum, { image }) => sum + image.sizeBytes, 0),
    },
    filesystem: { capacityBytes: before?.capacityBytes ?? 0, usedBeforeBytes, usedAfterBytes },
  };
}

/** The maximum size of the outcomes of references. Those of 256 fit, and errors have most of the report. */
const maxOutcomesBytes = 1_500;

function describeReferences(findings: Findings): Pick<Report, 'references'> {
  const { removeReferences } = findings;
  if (removeReferences === undefined) return {};
  return { references: encodeOutcomes(judgeReferences(removeReferences, findings), maxOutcomesBytes) };
}

function describeRefusal({ refusal }: Plan): readonly ReportError[] {
  return refusal === undefined ? [] : [refusal];
}

function describeStop({ results, stopped }: SweepResult): readonly ReportError[] {
  if (stopped === undefined) return [];
  const untried = results.filter(({ outcome }) => outcome.kind === 'skipped' && outcome.reason === stopped.reason);
  return [{ reason: stopped.reason, message: `${untried.length} images were not tried: ${stopped.message}` }];
}

function describeFailure({ removal: { image }, outcome }: RemovalResult): readonly ReportError[] {
  if (outcome.kind !== 'failed' && outcome.kind !== 'unknown') return [];
  return [{ image: image.names[0] ?? image.id, reason: outcome.reason, message: outcome.message }];
}
