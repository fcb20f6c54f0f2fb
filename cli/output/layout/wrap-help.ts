import { widthOf, wrapWords } from './cells.ts';

/** The cells that at least remain for text beside an indentation. */
const minRoom = 20;

/** Breaks the lines of a help that are longer than the terminal, between words and below the text of their line. */
export function wrapHelp(text: string, columns: number | undefined): string {
  if (columns === undefined) return text;
  return text
    .split('\n')
    .map((line) => (widthOf(line) <= columns ? line : wrapLine(line, columns)))
    .join('\n');
}

function wrapLine(line: string, columns: number): string {
  const start = line.slice(0, startOfText(line, columns - minRoom));
  const rest = line.slice(start.length);
  return start + wrapWords(rest, Math.max(1, columns - start.length)).join(`\n${' '.repeat(start.length)}`);
}

/** The column of the text behind a title and several spaces, or of the first word, if enough room is left for text. */
function startOfText(line: string, limit: number): number {
  const [indent = ''] = /^ */.exec(line) ?? [];
  const [titled = ''] = /^ *\S.*? {2,}(?=\S)/.exec(line) ?? [];
  return titled !== '' && titled.length <= limit ? titled.length : Math.min(indent.length, Math.max(0, limit));
}
