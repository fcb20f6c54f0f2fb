import { formatBytes } from '../../contract/bytes.ts';
import type { PlanDocument, PlannedImage } from '../../contract/plan-document.ts';
import { formatSentence } from './layout/paragraph.ts';
import type { Screen } from './layout/screen.ts';
import { type Column, formatTable, type Style } from './layout/table.ts';
import { formatAge, formatLastUsed, formatName, shortId } from './plan-cells.ts';

const none = '-';

/** The way in which a plan is shown. */
export interface PlanView {
  readonly screen: Screen;
  /** True for all columns and full names on a terminal of any width. */
  readonly isWide: boolean;
  /** The only images that the table shows. The sums below are those of all images. */
  readonly only?: PlannedImage['decision'] | undefined;
}

/** Formats a plan: removals, then images that stay, with one line for each; below them sums and notes. */
export function formatPlan(plan: PlanDocument, view: PlanView): string {
  const { screen } = view;
  const { remove = [], keep = [] } = Object.groupBy(plan.images, ({ decision }) => decision);
  const table = formatImages(plan, [remove, keep], view);
  const notes = plan.notes.map((note) => `Note: ${note}`);
  const sentences = [describeTotals(plan), ...describeKept(keep), ...describeDisk(plan), ...notes];
  return [...table, ...sentences.map((sentence) => formatSentence(sentence, screen))].join('\n');
}

/** A table, and an empty line below it; nothing if there are no images to show. */
function formatImages(
  plan: PlanDocument,
  groups: readonly (readonly PlannedImage[])[],
  { screen, isWide, only }: PlanView,
): readonly string[] {
  const shown = groups.map((group) => group.filter(({ decision }) => only === undefined || decision === only));
  if (shown.every(({ length }) => length === 0)) return [];
  const columns = isWide ? [...narrowColumns(plan), ...wideColumns] : narrowColumns(plan);
  return [formatTable(columns, shown, isWide ? { hasColors: screen.hasColors } : screen), ''];
}

function narrowColumns(plan: PlanDocument): readonly Column<PlannedImage>[] {
  return [
    { title: 'IMAGE', cell: formatName, shortest: 32 },
    { title: 'SIZE', cell: ({ sizeBytes }) => formatBytes(sizeBytes) },
    { title: 'AGE', cell: (image) => formatAge(plan, image), dropped: 1 },
    { title: 'LAST USED', cell: (image) => formatLastUsed(plan, image), dropped: 2 },
    { title: 'DECISION', cell: ({ decision }) => decision, style: styleOf },
    { title: 'REASON', cell: ({ outcome, reason }) => reason ?? outcome ?? none, style: styleOf },
    ...(plan.images.some(({ set }) => set !== undefined) ? [setColumn] : []),
  ];
}

/** The image set because of which an image stays or goes. */
const setColumn: Column<PlannedImage> = { title: 'SET', cell: ({ set }) => set ?? none, dropped: 3 };

const wideColumns: readonly Column<PlannedImage>[] = [
  { title: 'ID', cell: ({ id }) => shortId(id) },
  { title: 'FREES', cell: ({ freesBytes }) => (freesBytes === undefined ? none : formatBytes(freesBytes)) },
  { title: 'PINNED', cell: ({ pinned }) => (pinned === undefined ? none : pinned ? 'yes' : 'no') },
  { title: 'OTHER NAMES', cell: ({ names }) => names.slice(1).join(',') || none },
  { title: 'MESSAGE', cell: ({ message }) => message },
];

function styleOf({ decision, outcome = 'planned' }: PlannedImage): Style | undefined {
  if (decision === 'keep') return undefined;
  if (outcome === 'removed') return 'green';
  return outcome === 'planned' ? 'yellow' : 'red';
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

/** The images that stay by reason, those with the most bytes first. Layers that images share count for each of them. */
function describeKept(images: readonly PlannedImage[]): readonly string[] {
  if (images.length === 0) return [];
  const groups = [...Map.groupBy(images, ({ reason = 'without a reason' }) => reason)]
    .map(([reason, some]) => ({ reason, count: some.length, bytes: sumOf(some) }))
    .toSorted((a, b) => b.bytes - a.bytes);
  const parts = groups.map(({ reason, count, bytes }) => `${count} ${reason} (${formatBytes(bytes)})`);
  return [`Kept: ${parts.join(', ')}`];
}

function sumOf(images: readonly PlannedImage[]): number {
  return images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
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
