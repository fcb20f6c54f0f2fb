import { formatBytes } from '../../contract/bytes.ts';
import type { ReportError } from '../../contract/report.ts';
import { usedPercent } from '../plan/disk-usage.ts';
import type { Findings } from './build.ts';

/** The end of a run above the disk usage that it was to bring about. */
export type MissedTarget = {
  readonly usedPercent: number;
  readonly usedBytes: number;
  readonly lowPercent: number;
  /** The sizes of the images that are still there, by the reason for it, largest first. */
  readonly keptBytes: Readonly<Record<string, number>>;
};

/** Finds out what stands in the way where usage called for removals and is still above `lowPercent`; undefined elsewhere. */
export function findMissedTarget(findings: Findings): MissedTarget | undefined {
  const { dryRun, disk, before, after } = findings;
  if (dryRun || disk === undefined || before === undefined || after === undefined) return undefined;
  if (usedPercent(before) < disk.highPercent || usedPercent(after) <= disk.lowPercent) return undefined;
  return {
    usedPercent: usedPercent(after),
    usedBytes: after.usedBytes,
    lowPercent: disk.lowPercent,
    keptBytes: addUpKept(findings),
  };
}

export function describeMissed({ usedPercent, usedBytes, lowPercent, keptBytes }: MissedTarget): ReportError {
  const reasons = Object.entries(keptBytes).map(([reason, bytes]) => `${reason} ${formatBytes(bytes)}`);
  const keptSum = Object.values(keptBytes).reduce((sum, bytes) => sum + bytes, 0);
  const usage = `disk usage is ${usedPercent.toFixed(1)} %, above lowPercent (${lowPercent} %)`;
  const images = `images of ${formatBytes(keptSum)} stay, ${formatBytes(usedBytes)} are used`;
  return { reason: 'TargetNotMet', message: [`${usage}: ${images}`, ...reasons].join('; ') };
}

function addUpKept({ plan, result }: Findings): Readonly<Record<string, number>> {
  const bytes = new Map<string, number>();
  const add = (reason: string, sizeBytes: number) => bytes.set(reason, (bytes.get(reason) ?? 0) + sizeBytes);
  for (const { image, reason } of [...plan.kept, ...result.spared]) add(reason, image.sizeBytes);
  for (const { removal, outcome } of result.results) {
    if (outcome.kind !== 'removed') add(outcome.reason, removal.image.sizeBytes);
  }
  return Object.fromEntries([...bytes].toSorted(([, a], [, b]) => b - a));
}
