import { formatAge, formatBytes, formatLastUsed, formatName, shortId } from './plan-cells.ts';
import type { PlanDocument, PlannedImage } from './plan-document.ts';
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

/** Writes a plan as a table, one line an image, with the totals and notes below. */
export function formatPlan(plan: PlanDocument, isWide: boolean): string {
  const columns = isWide ? wide : narrow;
  const rows = plan.images.map((image) => columns.map(([, cell]) => cell(image, plan)));
  const table = plan.images.length === 0 ? [] : [formatTable([columns.map(([title]) => title), ...rows]), ''];
  return [...table, describeTotals(plan), ...describeDisk(plan), ...plan.notes.map((note) => `Note: ${note}`)].join(
    '\n',
  );
}

function describeTotals({ totals, run }: PlanDocument): string {
  const { images, sizeBytes, removals, freesBytes, nominal } = totals;
  const all = `${images} images of ${formatBytes(sizeBytes)}`;
  if (removals === 0) return `${all}; none ${run === undefined ? 'would go' : 'was to go'}`;
  const certainty = nominal === 0 ? '' : ` (nominal for ${nominal}, of which the layers are not known)`;
  if (run !== undefined) return `${all}; ${removals} were to go, of ${formatBytes(freesBytes)}${certainty}`;
  return `${all}; ${removals} would go, which frees about ${formatBytes(freesBytes)}${certainty}`;
}

function describeDisk({ disk, filesystem, run }: PlanDocument): readonly string[] {
  const thresholds = disk && `removal starts at ${disk.highPercent} % and stops at ${disk.lowPercent} %`;
  if (filesystem === undefined) return thresholds === undefined ? [] : [`Disk usage is not known; ${thresholds}`];
  const { usedPercent, afterPercent } = filesystem;
  const usage = `Disk usage: ${usedPercent} % -> ${run === undefined ? 'about ' : ''}${afterPercent} %`;
  return [thresholds === undefined ? usage : `${usage}; ${thresholds}`];
}
