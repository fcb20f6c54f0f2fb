import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Applied, type AppliedNode, toRemove, withWanted } from '../../../../scheduler/prepull/removal/applied.ts';
import { AppliedError, decodeApplied, encodeApplied } from '../../../../scheduler/prepull/removal/applied-codec.ts';

const imageName = (index: number) => `registry.example.com/platform/team-${index % 7}/service-${index}:v1.${index}`;
const lengthOf = (data: Readonly<Record<string, string>>) => Object.values(data).join('').length;

const anyDate = fc.date({ noInvalidDate: true, min: new Date(0), max: new Date(4e12) });
const references = fc.uniqueArray(fc.nat(200).map(imageName), { minLength: 1, maxLength: 20 });
const appliedNode: fc.Arbitrary<AppliedNode> = fc.record(
  {
    references: references.map((all) => all.sort()),
    // The newest version is the last, so their order counts.
    versions: references,
    setAside: fc.record({ until: anyDate, references }),
    machine: fc.stringMatching(/^[a-z0-9]{10}$/),
    missingSince: anyDate,
  },
  { requiredKeys: ['references'] },
);
const anyApplied: fc.Arbitrary<Applied> = fc
  .uniqueArray(fc.tuple(fc.stringMatching(/^[a-z][a-z0-9.-]{0,20}$/), appliedNode), {
    maxLength: 50,
    selector: ([name]) => name,
  })
  .map((all) => new Map(all));

/** Nodes of which no two have the same images, so that nothing is said in common. */
function buildUnlikeNodes(count: number): Applied {
  const bits = (name: string) =>
    [...createHash('sha512').update(name).digest()].flatMap((byte) => [byte & 1, byte & 2]);
  return new Map(
    Array.from({ length: count }, (_, index) => {
      const references = bits(`node-${index}`).flatMap((bit, at) =>
        bit === 0 ? [] : [imageName(at + 128 * (index % 9))],
      );
      return [`node-${index}`, { references: references.sort() }];
    }),
  );
}

describe('images of nodes in a ConfigMap', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(anyApplied, (applied) => {
        expect(decodeApplied(encodeApplied(applied).data)).toEqual(applied);
      }),
    );
  });

  it('of 1,000 nodes with the same 100 images take less than 30 kB, which kubectl shows', () => {
    const references = Array.from({ length: 100 }, (_, index) => imageName(index)).sort();
    const applied = new Map(Array.from({ length: 1_000 }, (_, index) => [`node-${index}.example.com`, { references }]));
    const { data, omittedNodes } = encodeApplied(applied);
    expect(Object.keys(data)).toEqual(['applied.json']);
    expect(lengthOf(data)).toBeLessThan(30_000);
    expect(omittedNodes).toEqual([]);
    expect(decodeApplied(data)).toEqual(applied);
  });

  it('of 1,000 nodes that are all different are compressed, and fit', () => {
    const applied = buildUnlikeNodes(1_000);
    const { data, omittedNodes } = encodeApplied(applied);
    expect(Object.keys(data)).toEqual(['applied.json.gz']);
    expect(lengthOf(data)).toBeLessThan(300_000);
    expect(omittedNodes).toEqual([]);
    expect(decodeApplied(data)).toEqual(applied);
  });

  it('that do not fit are cut by whole nodes, which is said, and nothing is ever removed from these', () => {
    fc.assert(
      fc.property(anyApplied, fc.integer({ min: 100, max: 5_000 }), (applied, limit) => {
        const { data, omittedNodes } = encodeApplied(applied, limit);
        expect(lengthOf(data)).toBeLessThanOrEqual(limit);
        const left = decodeApplied(data);
        const omitted = new Set(omittedNodes);
        expect(left).toEqual(new Map([...applied].filter(([name]) => !omitted.has(name))));
        for (const name of omittedNodes) expect(toRemove(left, name, [], 'Delete')).toEqual([]);
      }),
    );
  });

  it('loses first the nodes that have been missing in the cluster for the longest time', () => {
    const references = ['a.io/app:1'];
    const since = (day: number) => ({ references, missingSince: new Date(Date.UTC(2026, 0, day)) });
    const applied = new Map<string, AppliedNode>([
      ['a', since(1)],
      ['b', since(2)],
      ['c', { references }],
      ['d', { references }],
    ]);
    const { data } = encodeApplied(applied);
    const limits = Array.from({ length: lengthOf(data) }, (_, cut) => lengthOf(data) - cut);
    const omitted = limits.map((limit) => encodeApplied(applied, limit).omittedNodes.join());
    expect([...new Set(omitted)]).toEqual(expect.arrayContaining(['', 'a', 'b,a']));
    for (const names of omitted.filter((text) => text !== '')) expect(names.endsWith('a')).toBe(true);
  });

  it('are none where nothing is stored', () => {
    expect(decodeApplied({})).toEqual(new Map());
  });

  const stored = encodeApplied(withWanted(new Map(), new Map([['node-1', ['a.io/app:1']]]))).data['applied.json'] ?? '';

  it.each<[what: string, data: Readonly<Record<string, string>>]>([
    ['cut off', { 'applied.json': stored.slice(0, -5) }],
    ['empty', { 'applied.json': '' }],
    ['of another version', { 'applied.json': stored.replace('"version":1', '"version":2') }],
    ['without one of their references', { 'applied.json': stored.replace('"a.io/app:1"', '') }],
    ['badly compressed', { 'applied.json.gz': 'AAAA' }],
  ])('that are %s are an error, and not none', (_, data) => {
    expect(() => decodeApplied(data)).toThrow(AppliedError);
  });
});
