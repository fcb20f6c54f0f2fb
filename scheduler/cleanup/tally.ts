import * as z from 'zod';
import { formatBytes } from '../../contract/bytes.ts';
import type { Report } from '../../contract/report.ts';
import { compareNames } from '../../contract/text.ts';

/** The numbers of images by image set. */
export type SetFigures = Readonly<Record<string, { readonly removed: number; readonly kept: number }>>;

/**
 * The maximum number of sets of one node in a record, those with the most images: a record with thousands of nodes must stay below
 * 1 MiB.
 */
const maxSets = 8;

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
  /** The images that were removed or kept because of an image set, by set. Absent if there are none. */
  readonly sets?: SetFigures | undefined;
}

/** The sums of all reports of a run. `freed` is measured on the filesystems of the nodes; `nominal` is the sum of image sizes. */
export interface CleanupTotals {
  readonly images: { planned: number; removed: number; failed: number; skipped: number; unknown: number };
  readonly bytes: { freed: number; nominal: number };
  /** By image set; absent if no set decided about an image. */
  readonly sets?: SetFigures;
}

/** The figures of a report that a run adds up. */
export function tallyOf(report: Report): Tally {
  const { removed, failed, skipped, unknown } = report.images;
  const planned = report.outcome === 'DryRun' ? report.images.total - report.images.kept : 0;
  const { freed: freedBytes, nominal: nominalBytes } = report.bytes;
  const sets = largestSets(report.sets ?? {});
  return { planned, removed, failed, skipped, unknown, freedBytes, nominalBytes, ...(sets && { sets }) };
}

function largestSets(figures: SetFigures): SetFigures | undefined {
  const sizeOf = ([, { removed, kept }]: readonly [string, SetFigures[string]]) => removed + kept;
  const largest = Object.entries(figures).toSorted((one, other) => sizeOf(other) - sizeOf(one));
  return largest.length === 0 ? undefined : Object.fromEntries(largest.slice(0, maxSets));
}

export function addTallies(tallies: readonly Tally[]): CleanupTotals {
  const images = { planned: 0, removed: 0, failed: 0, skipped: 0, unknown: 0 };
  const bytes = { freed: 0, nominal: 0 };
  for (const tally of tallies) {
    images.planned += tally.planned;
    images.removed += tally.removed;
    images.failed += tally.failed;
    images.skipped += tally.skipped;
    images.unknown += tally.unknown;
    bytes.freed += tally.freedBytes;
    bytes.nominal += tally.nominalBytes;
  }
  const sets = addSets(tallies);
  return {
    images,
    bytes,
    ...(sets.size > 0 && { sets: Object.fromEntries([...sets].sort(([one], [other]) => compareNames(one, other))) }),
  };
}

function addSets(tallies: readonly Tally[]): ReadonlyMap<string, SetFigures[string]> {
  const sums = new Map<string, SetFigures[string]>();
  for (const { sets } of tallies)
    for (const [name, { removed, kept }] of Object.entries(sets ?? {})) {
      const sum = sums.get(name) ?? { removed: 0, kept: 0 };
      sums.set(name, { removed: sum.removed + removed, kept: sum.kept + kept });
    }
  return sums;
}

export function describeTotals(dryRun: boolean, { images, bytes, sets }: CleanupTotals): string {
  const effect = dryRun
    ? `dry run: ${images.planned} images (${formatBytes(bytes.nominal)}) would be removed`
    : `${images.removed} images removed, ${formatBytes(bytes.freed)} freed`;
  return sets === undefined ? effect : `${effect}; because of image sets: ${describeSets(dryRun, sets)}`;
}

/** Maximum number of sets that a sentence names. */
const maxNamed = 5;

/** Describes the images by set: `cve-critical (3 removed), frozen (2 kept)`. */
export function describeSets(dryRun: boolean, sets: SetFigures): string {
  const names = Object.entries(sets).map(([name, { removed, kept }]) => {
    const goes = dryRun ? `${removed} to remove` : `${removed} removed`;
    return `${name} (${[removed > 0 && goes, kept > 0 && `${kept} kept`].filter(Boolean).join(', ')})`;
  });
  const others = names.length - maxNamed;
  return [...names.slice(0, maxNamed), ...(others > 0 ? [`and ${others} more`] : [])].join(', ');
}

const count = z.int().nonnegative();
/** By set, the removed and the kept images. Only nodes on which a set decided about an image have this part. */
const storedSetsSchema = z.record(z.string(), z.tuple([count, count]));
const figuresSchema = [count, count, count, count, count, count, count] as const;
const storedSchema = z.tuple([...figuresSchema, storedSetsSchema.optional()]);

export function encodeTally(tally: Tally): z.input<typeof storedSchema> {
  const { planned, removed, failed, skipped, unknown, freedBytes, nominalBytes, sets } = tally;
  const figures = [planned, removed, failed, skipped, unknown, freedBytes, nominalBytes] as const;
  if (sets === undefined) return [...figures];
  return [
    ...figures,
    Object.fromEntries(Object.entries(sets).map(([name, { removed, kept }]) => [name, [removed, kept]])),
  ];
}

export function decodeTally(stored: unknown): Tally {
  const [planned, removed, failed, skipped, unknown, freedBytes, nominalBytes, bySet] = storedSchema.parse(stored);
  const tally = { planned, removed, failed, skipped, unknown, freedBytes, nominalBytes };
  return bySet === undefined ? tally : { ...tally, sets: decodeSets(bySet) };
}

function decodeSets(stored: z.output<typeof storedSetsSchema>): SetFigures {
  return Object.fromEntries(Object.entries(stored).map(([name, [removed, kept]]) => [name, { removed, kept }]));
}
