import { formatBytes } from '../../contract/bytes.ts';
import { usedPercent } from '../../contract/disk-usage.ts';
import type { ReportError } from '../../contract/report.ts';
import { bytesAbove, reaches } from '../plan/bytes-above.ts';
import type { Findings } from './build.ts';

/** The disk after a run that did not reach its target usage. */
export type MissedTarget = {
  readonly usedPercent: number;
  readonly usedBytes: number;
  readonly lowPercent: number;
  /** The sizes of the remaining images by the reason why they remain, largest first. */
  readonly keptBytes: Readonly<Record<string, number>>;
};

/** The missed target, if usage required removals and is still above `lowPercent`; otherwise undefined. */
export function findMissedTarget(findings: Findings): MissedTarget | undefined {
  const { dryRun, disk, before, after } = findings;
  if (dryRun || disk === undefined || before === undefined || after === undefined) return undefined;
  if (!reaches(disk.highPercent, before) || bytesAbove(disk.lowPercent, after) <= 0) return undefined;
  return {
    usedPercent: usedPercent(after),
    usedBytes: after.usedBytes,
    lowPercent: disk.lowPercent,
    keptBytes: addUpKept(findings),
  };
}

/** The error for the report: the usage, and the bytes of the remaining images by reason. */
export function describeMissed({ usedPercent, usedBytes, lowPercent, keptBytes }: MissedTarget): ReportError {
  const reasons = Object.entries(keptBytes).map(([reason, bytes]) => `${reason} ${formatBytes(bytes)}`);
  const keptSum = Object.values(keptBytes).reduce((sum, bytes) => sum + bytes, 0);
  const usage = `disk usage is ${usedPercent.toFixed(1)} %, above lowPercent (${lowPercent} %)`;
  const images = `the remaining images have ${formatBytes(keptSum)}, and ${formatBytes(usedBytes)} are used in all`;
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
