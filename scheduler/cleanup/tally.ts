import * as z from 'zod';
import { formatBytes } from '../../contract/bytes.ts';
import type { Report } from '../../contract/report.ts';

/** The figures of a report that a run adds up. */
export interface Tally {
  /** The images that a dry run would have removed. */
  readonly planned: number;
  readonly removed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly unknown: number;
  readonly freedBytes: number;
  readonly nominalBytes: number;
}

/** The sums of all reports of a run. `freed` is measured on the filesystems of the nodes; `nominal` is the sum of image sizes. */
export interface CleanupTotals {
  readonly images: { planned: number; removed: number; failed: number; skipped: number; unknown: number };
  readonly bytes: { freed: number; nominal: number };
}

/** The figures of a report that a run adds up. */
export function tallyOf(report: Report): Tally {
  const { removed, failed, skipped, unknown } = report.images;
  const planned = report.outcome === 'DryRun' ? report.images.total - report.images.kept : 0;
  const { freed: freedBytes, nominal: nominalBytes } = report.bytes;
  return { planned, removed, failed, skipped, unknown, freedBytes, nominalBytes };
}

export function addTallies(tallies: readonly Tally[]): CleanupTotals {
  const sum = (key: keyof Tally) => tallies.reduce((total, tally) => total + tally[key], 0);
  return {
    images: {
      planned: sum('planned'),
      removed: sum('removed'),
      failed: sum('failed'),
      skipped: sum('skipped'),
      unknown: sum('unknown'),
    },
    bytes: { freed: sum('freedBytes'), nominal: sum('nominalBytes') },
  };
}

export function describeTotals(dryRun: boolean, { images, bytes }: CleanupTotals): string {
  return dryRun
    ? `dry run: ${images.planned} images (${formatBytes(bytes.nominal)}) would be removed`
    : `${images.removed} images removed, ${formatBytes(bytes.freed)} freed`;
}

const count = z.int().nonnegative();
const storedSchema = z.tuple([count, count, count, count, count, count, count]);

export function encodeTally(tally: Tally): z.input<typeof storedSchema> {
  const { planned, removed, failed, skipped, unknown, freedBytes, nominalBytes } = tally;
  return [planned, removed, failed, skipped, unknown, freedBytes, nominalBytes];
}

export function decodeTally(stored: unknown): Tally {
  const [planned, removed, failed, skipped, unknown, freedBytes, nominalBytes] = storedSchema.parse(stored);
  return { planned, removed, failed, skipped, unknown, freedBytes, nominalBytes };
}
