/**
 * Cuts a text to at most `maxLength` (at least 1) UTF-16 code units. A cut text ends with an ellipsis. It never holds half of a
 * character.
 */
export function cutText(text: string, maxLength: number): string {
  if (text.length <= maxLength) return text;
  const start = text.slice(0, maxLength - 1).replace(/[\ud800-\udbff]$/, '');
  return `${start.toWellFormed()}…`;
}
