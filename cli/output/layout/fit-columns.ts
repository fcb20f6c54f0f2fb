/** The part of a column that decides its width. */
export interface Fitting {
  readonly title: string;
  /** The cells of its longest text. */
  readonly width: number;
  readonly dropped?: number | undefined;
  readonly shortest?: number | undefined;
  readonly wraps?: boolean | undefined;
}

/** The cells that at least remain for sentences. */
const shortestSentence = 24;

/**
 * Chooses columns and their widths, so that they are not wider than `limit` together: columns that allow it become narrower, and
 * the others are left out in their order while this is not enough. At last the rest become as narrow as their titles. Titles and
 * texts that must not be shortened are never cut, so the result can be wider than the limit.
 */
export function fitColumns<Column extends Fitting>(
  columns: readonly Column[],
  limit: number | undefined,
  gap: number,
): readonly Column[] {
  if (limit === undefined) return columns;
  for (let shown = columns; ; ) {
    const room = limit - gap * (shown.length - 1);
    const next = firstDropped(shown);
    if (sumOf(shown.map(leastOf)) <= room) return share(shown, room);
    if (next === undefined) return share(shown.map(squeeze), room);
    shown = shown.filter((column) => column !== next);
  }
}

function firstDropped<Column extends Fitting>(columns: readonly Column[]): Column | undefined {
  const [first] = columns
    .filter(({ dropped }) => dropped !== undefined)
    .toSorted((a, b) => (a.dropped ?? 0) - (b.dropped ?? 0));
  return first;
}

function squeeze<Column extends Fitting>(column: Column): Column {
  return column.shortest === undefined ? column : { ...column, shortest: 0 };
}

function leastOf({ title, width, shortest, wraps }: Fitting): number {
  const least = wraps ? shortestSentence : (shortest ?? width);
  return Math.min(width, Math.max(least, title.length));
}

/** Takes cells from the widest columns first, until all fit or have their least width. */
function share<Column extends Fitting>(columns: readonly Column[], room: number): readonly Column[] {
  const widths = columns.map(({ width }) => width);
  const least = columns.map(leastOf);
  for (let excess = sumOf(widths) - room; excess > 0; excess -= 1) {
    const widest = indexOfWidest(widths, least);
    if (widest === undefined) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return columns.map((column, index) => ({ ...column, width: widths[index] ?? column.width }));
}

function indexOfWidest(widths: readonly number[], least: readonly number[]): number | undefined {
  const [widest] = widths
    .map((width, index) => ({ width, index }))
    .filter(({ width, index }) => width > (least[index] ?? 0))
    .toSorted((a, b) => b.width - a.width);
  return widest?.index;
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0);
}
