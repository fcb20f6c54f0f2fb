/**
 * Cuts a text to at most `maxLength` (at least 1) UTF-16 code units. A cut text ends with an ellipsis. It never holds half of a
 * character.
 */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const start = text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '');
  return `${start.toWellFormed()}…`;
}

/**
 * The order of two names by their characters. It is many times faster than the order of a language, which names of objects are
 * not written in.
 */
export function compareNames(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
