import { formatBytes } from '../../contract/bytes.ts';
import type { PlanDocument, PlannedImage } from '../../contract/plan-document.ts';
import { formatAge, formatLastUsed, formatName, shortId } from './plan-cells.ts';
import { formatTable } from './table.ts';

type Column = readonly [title: string, cell: (image: PlannedImage, plan: PlanDocument) => string];

const none = '-';

const narrow: readonly Column[] = [
  ['IMAGE', formatName],
  ['SIZE', ({ sizeBytes }) => formatBytes(sizeBytes)],
  ['AGE', (image, plan) => formatAge(plan, image)],
  ['LAST USED', (image, plan) => formatLastUsed(plan, image)],
  ['DECISION', ({ decision }) => decision],
  ['REASON', ({ outcome, reason }) => reason ?? outcome ?? none],
];

const wide: readonly Column[] = [
  ...narrow,
  ['ID', ({ id }) => shortId(id)],
  ['FREES', ({ freesBytes }) => (freesBytes === undefined ? none : formatBytes(freesBytes))],
  ['PINNED', ({ pinned }) => (pinned === undefined ? none : pinned ? 'yes' : 'no')],
  ['OTHER NAMES', ({ names }) => names.slice(1).join(',') || none],
  ['MESSAGE', ({ message }) => message],
];

/** Formats a plan as a table with one line for each image, followed by totals and notes. */
export function formatPlan(plan: PlanDocument, isWide: boolean): string {
  const columns = isWide ? wide : narrow;
  const rows = plan.images.map((image) => columns.map(([, cell]) => cell(image, plan)));
  const table = plan.images.length === 0 ? [] : [formatTable([columns.map(([title]) => title), ...rows]), ''];
  return [...table, describeTotals(plan), ...describeDisk(plan), ...plan.notes.map((note) => `Note: ${note}`)].join(
    '\n',
  );
}

function describeTotals({ totals, run, images: all }: PlanDocument): string {
  const { images, sizeBytes, removals, freesBytes, nominal } = totals;
  const start = `${images} ${images === 1 ? 'image' : 'images'} of ${formatBytes(sizeBytes)}`;
  if (run !== undefined) return `${start}; ${removals} were planned for removal${describeOutcomes(all)}`;
  if (removals === 0) return `${start}; none would be removed`;
  const certainty = nominal === 0 ? '' : ` (with the full size of ${nominal} of them, whose layers are unknown)`;
  return `${start}; ${removals} would be removed, which frees about ${formatBytes(freesBytes)}${certainty}`;
}

function describeOutcomes(images: readonly PlannedImage[]): string {
  const outcomes = Object.groupBy(
    images.filter(({ decision }) => decision === 'remove'),
    ({ outcome = 'unknown' }) => outcome,
  );
  const counts = Object.entries(outcomes).map(([outcome, some = []]) => `${some.length} ${outcome}`);
  return counts.length === 0 ? '' : ` (${counts.join(', ')})`;
}

function describeDisk({ disk, filesystem, totals, run }: PlanDocument): readonly string[] {
  const thresholds = disk && `removal starts at ${disk.highPercent} % and stops at ${disk.lowPercent} %`;
  if (filesystem === undefined) return thresholds === undefined ? [] : [`Disk usage is unknown; ${thresholds}`];
  const { usedPercent, afterPercent } = filesystem;
  const after = ` -> ${run === undefined ? 'about ' : ''}${afterPercent} %`;
  const usage = `Disk usage: ${usedPercent} %${totals.removals === 0 ? '' : after}`;
  const isMissed = disk !== undefined && totals.removals > 0 && afterPercent > disk.lowPercent;
  return [thresholds === undefined ? usage : `${usage}; ${thresholds}${isMissed ? ', which is not reached' : ''}`];
}
