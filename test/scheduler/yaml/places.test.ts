import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { YamlPlaces } from '../../../scheduler/yaml/places.ts';
import { buildEmbedding, type Embedding, embeddings } from '../../helpers/embedded-yaml.ts';

/** Values whose keys and items can be told from each other. */
const word = fc.constantFrom(
  'a',
  'b c',
  "it's",
  'x: y',
  '# no',
  '1',
  'true',
  '',
  'ä €',
  '😀',
  '"',
  '\\',
  'l\nm',
  ' in ',
  '\t',
);
const key = fc
  .oneof(fc.constantFrom('a', 'b', 'c', 'long name', "it's", '1', 'ä'), fc.string())
  .filter((text) => text !== '__proto__');
const data = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.oneof(word, fc.integer(), fc.boolean(), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** The paths of all fields and items. */
function pathsOf(value: unknown): (string | number)[][] {
  if (typeof value !== 'object' || value === null) return [];
  const entries: [string | number, unknown][] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(value);
  return entries.flatMap(([part, inner]) => [[part], ...pathsOf(inner).map((path) => [part, ...path])]);
}

/** True if the text at an offset is a field with this key. */
function hasKeyAt(text: string, offset: number, name: string): boolean {
  const rest = text.slice(offset);
  const written = /^"(?:[^"\\]|\\.)*"/s.exec(rest)?.[0] ?? /^'(?:[^']|'')*'/s.exec(rest)?.[0] ?? `${name}`;
  return rest.startsWith(written) && (written === name || String(parse(written, { schema: 'failsafe' })) === name);
}

const styles: readonly ((value: unknown) => string)[] = [
  (value) => stringify(value),
  (value) => stringify(value, { collectionStyle: 'flow' }),
  (value) => stringify(value, { indentSeq: false, indent: 4 }),
  (value) => JSON.stringify(value, undefined, 2),
  (value) => JSON.stringify(value),
];
const document = fc.tuple(data, fc.constantFrom(...styles)).map(([value, write]) => {
  const plain: unknown = JSON.parse(JSON.stringify(value));
  return { plain, text: write(plain) };
});

describe('the place of a value', () => {
  it('is its key, or its item, in every document', () => {
    fc.assert(
      fc.property(document, ({ plain, text }) => {
        const places = new YamlPlaces(text);
        for (const path of pathsOf(plain)) {
          const last = path.at(-1);
          const offset = places.offsetOf(path);
          if (typeof last === 'string' && last.length < 100 && !last.includes('\n'))
            expect(hasKeyAt(text, offset, last), `${JSON.stringify(path)} at ${offset} of ${text}`).toBe(true);
        }
      }),
    );
  });

  it('is that of the nearest value around it, for a field that is not there', () => {
    const text = 'nodes:\n  matchLabels: {a: b}\nimages: {}\n';
    const places = new YamlPlaces(text);
    expect(places.offsetOf(['nodes', 'tolerations', 0, 'key'])).toBe(text.indexOf('nodes'));
    expect(places.offsetOf(['schedule'])).toBe(0);
    expect(new YamlPlaces('').offsetOf(['schedule'])).toBe(0);
  });

  it('is where the anchor is, for a value that an alias stands for', () => {
    const text = 'x: &x [first, second]\ny: &x [third]\nz: *x\n';
    expect(new YamlPlaces(text).offsetOf(['z', 0])).toBe(text.indexOf('third'));
    expect(new YamlPlaces(text).offsetOf(['z'])).toBe(text.indexOf('z:'));
  });
});

describe('the place of a value in a text that is itself in a YAML text', () => {
  it.each(Object.keys(embeddings) as Embedding[])('is its key in the file, as %s', (style) => {
    fc.assert(
      fc.property(document, ({ plain, text }) => {
        const outer = buildEmbedding(style, text);
        fc.pre(outer !== undefined);
        const embedded = new YamlPlaces(outer ?? '').textAt(['data', 'cleanup.yaml']);
        expect(embedded?.text).toBe(parse(outer ?? '').data['cleanup.yaml']);
        const inner = new YamlPlaces(embedded?.text ?? '');
        for (const path of pathsOf(plain)) {
          const offset = inner.offsetOf(path);
          const [before] = [embedded?.text.charAt(offset) ?? ''];
          const after = (outer ?? '').charAt(embedded?.offsetOf(offset) ?? -1);
          const isEscaped = after === '\\' || (style === 'single quotes' && before === "'");
          if (!isEscaped) expect(after).toBe(before);
        }
      }),
      { numRuns: 50 },
    );
  });
});
