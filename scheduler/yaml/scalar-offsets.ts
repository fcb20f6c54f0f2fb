import type { Scalar } from 'yaml';

/** The offset in the text around a scalar of an offset in its value. */
export type ScalarOffsets = (offset: number) => number;

/**
 * The places of the characters of a scalar in the YAML text. The lines of a literal block are those of its value. The other
 * styles fold lines and have escapes, but they keep the order of all characters other than white space, so the n-th of them
 * in the value is the n-th in the text.
 */
export function offsetsOfScalar(text: string, { value, range, type }: Scalar<string>): ScalarOffsets {
  const [start = 0, end = 0] = range ?? [];
  const source = text.slice(start, end);
  const offsets = type === 'BLOCK_LITERAL' ? offsetsOfLines(source, value) : offsetsOfVisible(source, value, type);
  return (offset) => start + (offsets[Math.min(offset, value.length)] ?? 0);
}

/** A line of the value is the end of its line in the source, without the indentation. */
function offsetsOfLines(source: string, value: string): Uint32Array {
  const offsets = new Uint32Array(value.length + 1);
  const [, ...sourceLines] = source.split('\n');
  let sourceOffset = source.indexOf('\n') + 1;
  let offset = 0;
  for (const [index, line] of value.split('\n').entries()) {
    const sourceLine = sourceLines[index] ?? '';
    const indentation = Math.max(0, sourceLine.replace(/\r$/, '').length - line.length);
    for (let column = 0; column <= line.length; column += 1)
      offsets[offset + column] = Math.min(sourceOffset + indentation + column, source.length);
    offset += line.length + 1;
    sourceOffset += sourceLine.length + 1;
  }
  return offsets;
}

/** White space has the offset of the next visible character. */
function offsetsOfVisible(source: string, value: string, type: Scalar['type']): Uint32Array {
  const offsets = new Uint32Array(value.length + 1);
  const visible = [...visibleOffsets(source, type)];
  let count = 0;
  for (let offset = 0; offset <= value.length; offset += 1) {
    offsets[offset] = visible[count] ?? source.length;
    if (!isWhiteSpace(value.charAt(offset))) count += 1;
  }
  return offsets;
}

function* visibleOffsets(source: string, type: Scalar['type']): Generator<number> {
  for (const { 0: unit, index } of contentOf(source, type)) {
    const text = type === 'QUOTE_DOUBLE' ? decode(unit) : unit;
    for (const character of text === "''" ? "'" : text.split('')) if (!isWhiteSpace(character)) yield index;
  }
}

/** The characters of the content, each with its escape. A folded block begins after its header. */
function contentOf(source: string, type: Scalar['type']): Iterable<{ readonly 0: string; readonly index: number }> {
  switch (type) {
    case 'QUOTE_DOUBLE':
      return matchesIn(source, /\\(?:x.{2}|u.{4}|U.{8}|\r?\n|.)|[^\\]/gs, 1, source.length - 1);
    case 'QUOTE_SINGLE':
      return matchesIn(source, /''|./gs, 1, source.length - 1);
    case 'BLOCK_FOLDED':
      return matchesIn(source, /./gs, source.indexOf('\n') + 1, source.length);
    default:
      return matchesIn(source, /./gs, 0, source.length);
  }
}

function* matchesIn(source: string, unit: RegExp, from: number, to: number) {
  unit.lastIndex = from;
  for (let found = unit.exec(source); found !== null && found.index < to; found = unit.exec(source)) yield found;
}

/** The text of an escape; another character for those that are not white space. */
function decode(unit: string): string {
  if (!unit.startsWith('\\')) return unit;
  if (/^\\[xuU]/.test(unit)) return String.fromCodePoint(Number.parseInt(unit.slice(2), 16));
  return /^\\[ntr\s]/.test(unit) ? ' ' : unit.slice(1);
}

function isWhiteSpace(character: string): boolean {
  return character === '' || character === ' ' || character === '\t' || character === '\n' || character === '\r';
}
