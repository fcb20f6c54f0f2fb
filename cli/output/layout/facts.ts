import { padCells, widthOf, wrapWords } from './cells.ts';
import type { Screen } from './screen.ts';

const gap = 3;

/** Formats titles with their values: a line for each value, broken between words on a terminal. */
export function formatFacts(facts: readonly (readonly [title: string, ...string[]])[], { columns }: Screen): string {
  const width = Math.max(...facts.map(([title]) => widthOf(title) + ':'.length)) + gap;
  const room = columns === undefined ? Number.POSITIVE_INFINITY : Math.max(1, columns - width);
  return facts
    .flatMap(([title, ...values]) => {
      const lines = (values.length === 0 ? ['<none>'] : values).flatMap((value) => wrapWords(value, room));
      return lines.map((line, index) => `${padCells(index === 0 ? `${title}:` : '', width)}${line}`);
    })
    .join('\n');
}
