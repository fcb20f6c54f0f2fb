import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { runKinds } from '../../../../scheduler/kinds.ts';
import { lintText } from '../../../../scheduler/policy/lint.ts';
import { buildEmbedding, type Embedding, embeddings } from '../../../helpers/embedded-yaml.ts';

/** A valid policy. Wrong fields are put into its mappings. */
const base = {
  schedule: '@daily',
  timeZone: 'Europe/Berlin',
  nodes: {
    matchLabels: { pool: 'a "b" c\nd' },
    matchExpressions: [{ key: 'x', operator: 'Exists' }],
    tolerations: [{ operator: 'Exists' }],
  },
  images: { include: ['**'], exclude: ['docker.io/library/*', "it's # no comment ä 😀"] },
  rollout: { canary: 1 },
};
const mappings: readonly (readonly (string | number)[])[] = [
  [],
  ['nodes'],
  ['nodes', 'matchExpressions', 0],
  ['nodes', 'tolerations', 0],
  ['images'],
  ['rollout'],
];

/** A document with unknown fields whose names are nowhere else in it, and these names. */
const faulty = fc
  .tuple(fc.subarray([...mappings], { minLength: 1 }), fc.boolean(), fc.constantFrom('block', 'flow', 'json'))
  .map(([places, isFirst, style]) => {
    const document: unknown = structuredClone(base);
    const names = places.map((place, index) => {
      const name = `wrongField${index}`;
      addField(document, place, name, isFirst);
      return name;
    });
    return { names, text: write(document, style) };
  });

function addField(document: unknown, place: readonly (string | number)[], name: string, isFirst: boolean): void {
  const mapping = place.reduce((value: unknown, part) => Object(value)[part], document);
  const fields = Object(mapping);
  const before = { ...fields };
  if (isFirst) for (const key of Object.keys(before)) delete fields[key];
  Object.assign(fields, isFirst ? { [name]: 1, ...before } : { [name]: 1 });
}

function write(document: unknown, style: string): string {
  if (style === 'json') return JSON.stringify(document, undefined, 2);
  return stringify(document, { collectionStyle: style === 'flow' ? 'flow' : 'block' });
}

const positionOf = (text: string, offset: number) => {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
};
/** The places of the names. A name that is quoted begins with its quote, which has a backslash in a quoted text. */
const expectedIn = (text: string, names: readonly string[]) =>
  names.map((name) => {
    const offsets = [`\\"${name}`, `"${name}"`, name].map((written) => text.indexOf(written));
    return positionOf(text, offsets.find((offset) => offset >= 0) ?? -1);
  });
const foundIn = (fileName: string, text: string) =>
  lintText(fileName, text, runKinds)
    .problems.filter(({ message }) => message.startsWith('is not a known field'))
    .map(({ line, column }) => ({ line, column }));
const sorted = (places: readonly { line?: number | undefined; column?: number | undefined }[]) =>
  places.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));

describe('the line and column of a problem (C40)', () => {
  it('are those of the field in a document', () => {
    fc.assert(
      fc.property(faulty, ({ names, text }) => {
        expect(sorted(foundIn('cleanup.yaml', text))).toEqual(sorted(expectedIn(text, names)));
      }),
      { numRuns: 50 },
    );
  });

  it.each(Object.keys(embeddings) as Embedding[])(
    'are those of the field in the file, for a manifest with %s',
    (style) => {
      fc.assert(
        fc.property(faulty, fc.integer({ min: 0, max: 2 }), ({ names, text }, others) => {
          const manifest = buildEmbedding(style, text);
          fc.pre(manifest !== undefined);
          const head =
            'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: nightly, labels: {nodesweep.io/kind: policy}}\n';
          const isJson = style === 'JSON';
          const object = isJson
            ? JSON.stringify({
                kind: 'ConfigMap',
                metadata: { name: 'nightly', labels: { 'nodesweep.io/kind': 'policy' } },
                data: { 'cleanup.yaml': text },
              })
            : `${head}${manifest}`;
          const file = `${'kind: Namespace\nmetadata: {name: other}\n---\n'.repeat(others)}${object}`;
          expect(sorted(foundIn('policies.yaml', file))).toEqual(sorted(expectedIn(file, names)));
        }),
        { numRuns: 20 },
      );
    },
  );

  it('are those of the text that does not parse, counted in the file', () => {
    const file = [
      'kind: ConfigMap',
      'metadata: {name: broken, labels: {nodesweep.io/kind: policy}}',
      'data:',
      '  cleanup.yaml: |',
      '    schedule: "@daily"',
      '    \tfoo: bar',
      '',
    ].join('\n');
    expect(lintText('a.yaml', file, runKinds).problems[0]).toMatchObject({
      policy: 'broken',
      path: '',
      line: 6,
      column: 5,
    });
  });

  it('are those of the items of a list, as kubectl prints it', () => {
    const item = {
      kind: 'ConfigMap',
      metadata: { name: 'x', labels: {} },
      data: { 'cleanup.yaml': 'schedule: "@daily"' },
    };
    const file = stringify({ kind: 'List', items: [{ kind: 'Secret' }, item] });
    const line = file.split('\n').findIndex((text) => text.includes('labels')) + 1;
    expect(lintText('a.yaml', file, runKinds).problems).toMatchObject([{ path: 'metadata.labels', policy: 'x', line }]);
  });

  it('take time that grows with the text alone, for thousands of problems in it (H31)', () => {
    const fields = Array.from({ length: 12_000 }, (_, index) => `f${index}: 1`).join('\n');
    expect(lintText('cleanup.yaml', `schedule: "@daily"\n${fields}`, runKinds).problems).toHaveLength(12_000);
  });
});
