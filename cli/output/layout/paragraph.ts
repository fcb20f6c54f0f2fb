import { wrapWords } from './cells.ts';
import type { Screen } from './screen.ts';

/** Cells before each further line of a sentence. */
const indent = 4;

/** Breaks a sentence between words, for the width of the screen. The indented lines belong to the line above. */
export function formatSentence(text: string, { columns }: Screen): string {
  if (columns === undefined) return text;
  return wrapWords(text, Math.max(1, columns - indent)).join(`\n${' '.repeat(indent)}`);
}
