import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMap, isScalar, type Pair, parseDocument } from 'yaml';
import { typeOf } from './types.ts';

/** The directory of the chart. */
export const chart = join(import.meta.dirname, '../../manifests/chart');

/** A value of the chart that people set, as `values.yaml` has it. */
export interface Value {
  /** The keys that lead to it: `['image', 'tag']`. */
  readonly path: readonly string[];
  readonly default: unknown;
  /** The comment above it. */
  readonly description: string;
}

/** Reads the values with their comments. Throws an Error that names a value without a comment or without a type. */
export function readValues(): readonly Value[] {
  const { contents } = parseDocument(readFileSync(join(chart, 'values.yaml'), 'utf8'));
  return valuesIn(contents, [], '');
}

/** The values of a section. YAML takes the comment of the first key of a map for that of the map. */
function valuesIn(section: unknown, path: readonly string[], firstComment: string): readonly Value[] {
  if (!isMap(section)) throw new Error(`${path.join('.')} has no type: add it to test/chart/types.ts`);
  return section.items.flatMap((pair, index) =>
    valuesOf(pair, path, index === 0 ? (section.commentBefore ?? firstComment) : ''),
  );
}

function valuesOf({ key, value }: Pair, path: readonly string[], firstComment: string): readonly Value[] {
  if (!isScalar(key)) return [];
  const ownPath = [...path, String(key.value)];
  if (typeOf(ownPath) === undefined) return valuesIn(value, ownPath, '');
  const description = wordsOf(key.commentBefore ?? firstComment);
  if (description === '') throw new Error(`${ownPath.join('.')} has no comment in values.yaml`);
  const json = isMap(value) || !isScalar(value) ? (value as { toJSON(): unknown }).toJSON() : value.value;
  return [{ path: ownPath, default: json, description }];
}

function wordsOf(comment: string): string {
  return comment.trim().split(/\s+/).join(' ');
}
