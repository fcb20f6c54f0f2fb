import fc from 'fast-check';
import { expect, it } from 'vitest';
import { findCrowd, type Share } from '../../../../scheduler/prepull/lists/crowded-lists.ts';

const share = (index: number, images: readonly string[], labels: Record<string, string>): Share => ({
  name: `l${index}`,
  images: new Set(images),
  nodes: { matchLabels: labels, matchExpressions: [] },
});
const images = (prefix: string, count: number) => Array.from({ length: count }, (_, index) => `${prefix}${index}`);

it('finds lists with too many images for one node exactly if there are any', () => {
  const label = fc.dictionary(fc.constantFrom('x', 'y', 'z'), fc.constantFrom('1', '2'), { maxKeys: 2 });
  const shares = fc
    .array(fc.tuple(label, fc.uniqueArray(fc.constantFrom(...'abcdefgh'), { minLength: 1 })), { maxLength: 8 })
    .map((all) => all.map(([labels, list], index) => share(index, list, labels)));
  const nodes = ['1', '2', '3'].flatMap((x) =>
    ['1', '2', '3'].flatMap((y) => ['1', '2', '3'].map((z) => ({ x, y, z }))),
  );
  fc.assert(
    fc.property(shares, fc.integer({ min: 1, max: 8 }), (all, limit) => {
      const isCrowded = nodes.some((node) => {
        const labels: Record<string, string> = node;
        const selecting = all.filter(({ nodes: { matchLabels } }) =>
          Object.entries(matchLabels).every(([key, value]) => labels[key] === value),
        );
        return new Set(selecting.flatMap((list) => [...list.images])).size > limit;
      });
      const crowd = findCrowd(all, limit);
      expect(crowd !== undefined).toBe(isCrowded);
      if (crowd !== undefined) expect(crowd.images).toBeGreaterThan(limit);
    }),
    { numRuns: 300 },
  );
});

it('stops a search that would take too long, because a node with too many images still gets them', () => {
  const pairs = Array.from({ length: 16 }, (_, index) => index).flatMap((index) =>
    ['a', 'b'].map((value, side) => share(2 * index + side, images(`${index}${value}-`, 16), { [`k${index}`]: value })),
  );
  const before = performance.now();
  expect(findCrowd(pairs, 256)).toBeUndefined();
  expect(performance.now() - before).toBeLessThan(5_000);
});
