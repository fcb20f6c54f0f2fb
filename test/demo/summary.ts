import { styleText } from 'node:util';
import { filesize } from 'filesize';
import type { NodeResult } from './run.ts';

/** A table with a row for each node: what its runs removed, and how full its disk was before and after each. */
export function summaryTable(runs: readonly (readonly NodeResult[])[]): string[] {
  const nodes = [...new Set(runs.flat().map(({ node }) => node))].sort();
  const results = nodes.map((node) => runs.map((run) => run.find((result) => result.node === node)));
  const rows = [
    ['node', 'removed', 'freed', ...runs.map((_, index) => `disk in run ${index + 1}`)],
    ...nodes.map((node, index) => [node, ...totals(results[index] ?? []), ...(results[index] ?? []).map(diskChange)]),
    ['all', ...totals(results.flat()), ...runs.map(() => '')],
  ];
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('   ')
      .trimEnd(),
  );
  return lines.map((line, index) => (index === 0 ? styleText('bold', line) : line));
}

function totals(results: readonly (NodeResult | undefined)[]): string[] {
  const reports = results.flatMap((result) => result?.report ?? []);
  const removed = reports.reduce((sum, { images }) => sum + images.removed, 0);
  const freedBytes = reports.reduce((sum, { bytes }) => sum + bytes.freed, 0);
  return [`${removed} images`, filesize(freedBytes)];
}

function diskChange(result: NodeResult | undefined): string {
  if (result === undefined) return 'not run';
  const { capacityBytes, usedBeforeBytes, usedAfterBytes } = result.report.filesystem;
  const percent = (bytes: number) => Math.round((100 * bytes) / capacityBytes);
  return `${percent(usedBeforeBytes)} → ${percent(usedAfterBytes)} %`;
}
