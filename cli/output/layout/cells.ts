import stringWidth from 'string-width';

const ellipsis = '…';
const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** The number of cells that a text takes on a terminal. */
export const widthOf = stringWidth;

/** Adds spaces up to a number of cells. */
export function padCells(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)));
}

/** Shortens a text in the middle to a number of cells. The end of a name tells more than its middle, so it keeps more of it. */
export function shortenMiddle(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  if (width <= widthOf(ellipsis)) return ellipsis.slice(0, Math.max(0, width));
  const room = width - widthOf(ellipsis);
  const letters = [...segmenter.segment(text)].map(({ segment }) => segment);
  const start = takeCells(letters, Math.floor(room / 3));
  const end = takeCells(letters.toReversed(), room - Math.floor(room / 3));
  return `${start.join('')}${ellipsis}${end.toReversed().join('')}`;
}

/** Shortens a text at its end to a number of cells. */
export function shortenEnd(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  const letters = [...segmenter.segment(text)].map(({ segment }) => segment);
  return `${takeCells(letters, width - widthOf(ellipsis))
    .join('')
    .trimEnd()}${ellipsis}`;
}

function takeCells(letters: readonly string[], width: number): string[] {
  let used = 0;
  const end = letters.findIndex((letter) => {
    used += widthOf(letter);
    return used > width;
  });
  return letters.slice(0, end === -1 ? letters.length : end);
}

/** Breaks a text between words into lines of at most `width` cells. Only a longer word makes a longer line. */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && widthOf(last) + 1 + widthOf(word) <= width) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
