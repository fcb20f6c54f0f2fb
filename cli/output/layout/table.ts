import { styleText } from 'node:util';
import { padCells, shortenEnd, shortenMiddle, widthOf, wrapWords } from './cells.ts';
import { fitColumns } from './fit-columns.ts';
import type { Screen } from './screen.ts';

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow';

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly style?: ((row: Row) => Style | undefined) | undefined;
  /** The order in which columns are left out if the table is too wide, 1 first. A column without it stays. */
  readonly dropped?: number | undefined;
  /** The cells that are at least left of a longer text. Without it, texts are not shortened. */
  readonly shortest?: number | undefined;
  /** The place at which a longer text is cut. Default: its middle, because the end of a name tells it from others. */
  readonly shortened?: 'middle' | 'end' | undefined;
  /** True for the last column, with sentences that are broken between words. */
  readonly wraps?: boolean | undefined;
}

const wideGap = 3;
const narrowGap = 2;

/**
 * Aligns cells in columns without borders, as kubectl does, so that scripts can read them. On a terminal the table is not wider
 * than the screen: names are shortened, then the least important columns are left out. Groups have an empty line between them
 * on a terminal.
 */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  groups: readonly (readonly Row[])[],
  screen: Screen,
): string {
  const rows = groups.flat();
  const natural = columns.map((column) => ({
    ...column,
    width: Math.max(widthOf(column.title), ...rows.map((row) => widthOf(column.cell(row)))),
  }));
  const gap = isTooWide(natural, screen) ? narrowGap : wideGap;
  const shown = fitColumns(natural, screen.columns, gap);
  const [header = ''] = layOut(
    shown.map(({ title }) => [title]),
    shown,
    gap,
  );
  const formatRow = (row: Row) => formatCells(row, shown, { gap, screen });
  const parts = groups.filter((group) => group.length > 0).map((group) => group.flatMap(formatRow).join('\n'));
  const between = screen.columns === undefined ? '\n' : '\n\n';
  return [header, ...(parts.length === 0 ? [] : [parts.join(between)])].join('\n');
}

type Sized<Row> = Column<Row> & { readonly width: number };

function isTooWide(
  columns: readonly { readonly width: number }[],
  { columns: limit = Number.POSITIVE_INFINITY }: Screen,
) {
  return columns.reduce((sum, { width }) => sum + width + wideGap, -wideGap) > limit;
}

/** The lines of a row: several if a sentence in it is broken. */
function formatCells<Row>(
  row: Row,
  columns: readonly Sized<Row>[],
  { gap, screen }: { readonly gap: number; readonly screen: Screen },
): string[] {
  const cells = columns.map(({ cell, width, wraps, shortened }) => {
    if (wraps) return wrapWords(cell(row), width);
    return [shortened === 'end' ? shortenEnd(cell(row), width) : shortenMiddle(cell(row), width)];
  });
  const styles = columns.map(({ style }) => (screen.hasColors ? style?.(row) : undefined));
  return layOut(cells, columns, gap, styles);
}

function layOut(
  cells: readonly (readonly string[])[],
  columns: readonly { readonly width: number }[],
  gap: number,
  styles: readonly (Style | undefined)[] = [],
): string[] {
  const height = Math.max(1, ...cells.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) => {
    const texts = cells.map((cell) => cell[line] ?? '');
    const last = texts.findLastIndex((text) => text !== '');
    return texts
      .slice(0, last + 1)
      .map((text, column) => {
        const style = styles[column];
        const styled = style === undefined ? text : styleText(style, text, { validateStream: false });
        const width = column === last ? 0 : (columns[column]?.width ?? 0);
        return padCells(styled, width);
      })
      .join(' '.repeat(gap));
  });
}
