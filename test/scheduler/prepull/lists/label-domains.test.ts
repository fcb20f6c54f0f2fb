import fc from 'fast-check';
import { expect, it } from 'vitest';
import { mayOverlap } from '../../../../scheduler/prepull/lists/label-domains.ts';
import { isSelected, type Selector } from '../../../../scheduler/run/rollout/eligibility.ts';

const key = fc.constantFrom('pool', 'gpu', 'constructor');
const value = fc.constantFrom('a', 'b', '');
const expression = fc.oneof(
  fc.record({ key, operator: fc.constantFrom('In', 'NotIn'), values: fc.uniqueArray(value, { minLength: 1 }) }),
  fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist'), values: fc.constant<string[]>([]) }),
);
const selector: fc.Arbitrary<Selector> = fc.record({
  matchLabels: fc.dictionary(key, value, { maxKeys: 2 }),
  matchExpressions: fc.array(expression, { maxLength: 3 }),
});

/** All nodes that differ for the generated selectors: each label is missing, has a named value, or another one. */
const nodes = ['pool', 'gpu', 'constructor'].reduce<Record<string, string>[]>(
  (labels, name) =>
    labels.flatMap((others) => [others, ...['a', 'b', '', 'other'].map((text) => ({ ...others, [name]: text }))]),
  [{}],
);

const matches = (labels: Record<string, string>, nodes: Selector) => isSelected({ labels }, nodes);

it('two selectors may overlap exactly if a node can match both', () => {
  fc.assert(
    fc.property(selector, selector, (one, other) => {
      const isShared = nodes.some((labels) => matches(labels, one) && matches(labels, other));
      expect(mayOverlap(one, other)).toBe(isShared);
      expect(mayOverlap(other, one)).toBe(isShared);
    }),
    { numRuns: 1000 },
  );
});

it('a selector that contradicts itself overlaps none, not even itself', () => {
  const none: Selector = {
    matchLabels: { pool: 'a' },
    matchExpressions: [{ key: 'pool', operator: 'DoesNotExist', values: [] }],
  };
  expect(mayOverlap(none, none)).toBe(false);
  expect(mayOverlap(none, { matchLabels: {}, matchExpressions: [] })).toBe(false);
});
