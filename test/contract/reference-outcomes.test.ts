import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeOutcomes,
  encodeOutcomes,
  type ReferenceOutcome,
  referenceOutcomesSchema,
} from '../../contract/reference-outcomes.ts';

const plain = (['Removed', 'InUse', 'Absent', 'Unknown', 'Failed'] as const).map((kind) => ({ kind }));
const kept = ['Pinned', 'OwnImage', 'Starting', 'Prepulled', 'NotIncluded', 'HasChildren', 'UsageUnreadable'].map(
  (reason) => ({ kind: 'Kept', reason }) as const,
);
const all: readonly ReferenceOutcome[] = [...plain, ...kept];
const outcomes = (maxLength: number) => fc.array(fc.constantFrom(...all), { maxLength });
const unknown = { kind: 'Unknown' };
const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));

describe('the outcomes of references', () => {
  it('are ranges of indexes by outcome, which people can read', () => {
    const removed = { kind: 'Removed' } as const;
    const given: ReferenceOutcome[] = [
      removed,
      removed,
      { kind: 'InUse' },
      removed,
      { kind: 'Kept', reason: 'Pinned' },
    ];
    expect(encodeOutcomes(given, 1_000)).toEqual({
      count: 5,
      indexes: { Removed: '0-1,3', InUse: '2', 'Kept:Pinned': '4' },
    });
  });

  it('come back as they were, if they fit', () => {
    fc.assert(
      fc.property(outcomes(300), (given) => {
        const encoded = referenceOutcomesSchema.parse(JSON.parse(JSON.stringify(encodeOutcomes(given, 10_000))));
        expect(decodeOutcomes(encoded, given.length)).toEqual(given);
      }),
    );
  });

  it('never take more than their space, and the last ones are unknown then', () => {
    fc.assert(
      fc.property(outcomes(2_000), fc.integer({ min: 60, max: 3_000 }), (given, maxBytes) => {
        const encoded = encodeOutcomes(given, maxBytes);
        const fitting = given.length - (encoded.omitted ?? 0);
        expect(bytesOf(encoded)).toBeLessThanOrEqual(maxBytes);
        expect(decodeOutcomes(encoded, given.length)).toEqual(
          given.map((outcome, index) => (index < fitting ? outcome : unknown)),
        );
      }),
    );
  });

  it('of 256 references always fit into 1,500 bytes', () => {
    const worst = Array.from({ length: 256 }, (_, index) => all[index % all.length] ?? plain[0]);
    expect(encodeOutcomes(worst as ReferenceOutcome[], 1_500).omitted).toBeUndefined();
  });

  it.each([
    ['is missing', undefined],
    ['is about another list', { count: 3, indexes: { Removed: '0-2' } }],
    ['is of a later version', { count: 2, indexes: { Archived: '0-1' } }],
    ['is told twice', { count: 2, indexes: { Removed: '0-1', InUse: '0-1' } }],
    ['is beyond the list', { count: 2, indexes: { Removed: '2-999999' } }],
    ['is a range that ends before it begins', { count: 2, indexes: { Removed: '1-0' } }],
  ])('an outcome that %s is unknown', (_, encoded) => {
    expect(decodeOutcomes(encoded, 2)).toEqual([unknown, unknown]);
  });

  it.each(['', '1,', 'x', '1--2', '-1', '1-2-3', ' 1', '1e9', '12345678'])('the ranges "%s" are refused', (text) => {
    expect(referenceOutcomesSchema.safeParse({ count: 3, indexes: { Removed: text } }).success).toBe(false);
  });
});
