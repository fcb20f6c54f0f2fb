import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Facts } from '../../../cleaner/plan/keep-rules.ts';
import { orderRemovals } from '../../../cleaner/plan/removal-order.ts';
import type { Image } from '../../../cleaner/runtime/runtime.ts';
import { buildFacts, buildHistory, buildImage, buildInventory, dayMs, now } from '../../helpers/inventory.ts';

const disk = { highPercent: 85, lowPercent: 80 };

/** An image by its layers, one letter each and lowest first; it was last used so many days ago. */
type Sample = { readonly id: string; readonly layers: string; readonly usedDaysAgo: number; readonly size?: number };

function buildNode(samples: readonly Sample[], job: Parameters<typeof buildFacts>[0] = { job: { disk } }): Facts {
  const records = samples.map(({ id, usedDaysAgo }) => [id, { firstSeen: 0, lastUsed: now - usedDaysAgo * dayMs }]);
  const details = samples.map(({ id, layers }) => [id, { id, layers: [...layers] }] as const);
  return buildFacts({
    ...job,
    history: buildHistory(Object.fromEntries(records)),
    inventory: buildInventory({
      images: samples.map(({ id, size = 100 }) => buildImage(id, { id, sizeBytes: size })),
      details: new Map(details),
    }),
  });
}

/** Orders the removal of all images but those that stay. */
function order(facts: Facts, staying: readonly string[] = []) {
  const { removals, useless } = orderRemovals(
    facts,
    facts.inventory.images.filter(({ id }) => !staying.includes(id)),
  );
  return {
    removals: removals.map(({ image, freesBytes }) => `${image.id} ${freesBytes}`),
    useless: useless.map(({ id }) => id),
  };
}

describe('down to a threshold', () => {
  const app1: Sample = { id: 'app-1', layers: 'abc', usedDaysAgo: 5, size: 150 };
  const samples: readonly Sample[] = [
    { id: 'base', layers: 'ab', usedDaysAgo: 9 },
    app1,
    { id: 'lone', layers: 'x', usedDaysAgo: 4 },
    { id: 'app-2', layers: 'abd', usedDaysAgo: 3, size: 130 },
  ];

  it('an image is removed as soon as its removal frees something, and not before', () => {
    expect(order(buildNode(samples))).toEqual({
      removals: ['app-1 50', 'lone 100', 'app-2 30', 'base 100'],
      useless: [],
    });
  });

  it('the removal of an image is useless if a kept image holds all of its layers', () => {
    expect(order(buildNode(samples), ['app-2'])).toEqual({ removals: ['app-1 50', 'lone 100'], useless: ['base'] });
  });

  it('images with the same layers, which differ only in their configuration, are removed together', () => {
    const node = buildNode([...samples, { ...app1, id: 'app-1-again', usedDaysAgo: 2 }]);
    expect(order(node).removals).toEqual(['lone 100', 'app-2 30', 'app-1 0', 'app-1-again 50', 'base 100']);
    expect(order(node, ['app-1-again']).useless).toEqual(['base', 'app-1']);
  });

  it('images that are always removed come first, even if their removal frees nothing', () => {
    const node = buildNode(samples, { job: { disk, images: { maxUnusedAge: '7d' } } });
    expect(order(node).removals).toEqual(['base 0', 'app-1 50', 'lone 100', 'app-2 130']);
  });
});

it('without a threshold all images are removed, least recently used first, whatever layers they share', () => {
  const samples = [
    { id: 'app', layers: 'ab', usedDaysAgo: 1, size: 150 },
    { id: 'base', layers: 'a', usedDaysAgo: 2 },
  ];
  expect(order(buildNode(samples, { job: {} })).removals).toEqual(['base 0', 'app 150']);
});

describe('with any layers that images share', () => {
  const layers = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 4 });
  const samples = fc
    .array(fc.record({ layers, usedDaysAgo: fc.nat(9), size: fc.nat(500) }), { maxLength: 10 })
    .map((all) => all.map((one, index): Sample => ({ ...one, id: `image-${index}` })));
  const job = fc.constantFrom({ disk }, { disk, images: { maxUnusedAge: '4d' } });
  const nodes = fc.record({ samples, job }).chain(({ samples, job }) =>
    fc.record({
      facts: fc.constant(buildNode(samples, { job })),
      candidates: fc.subarray(samples).map((some) => new Set(some.map(({ id }) => id))),
      shuffle: fc.shuffledSubarray(samples, { minLength: samples.length }).map((all) => buildNode(all, { job })),
    }),
  );
  const candidatesOf = ({ inventory }: Facts, ids: ReadonlySet<string>) =>
    inventory.images.filter(({ id }) => ids.has(id));

  /** The layers of an image, each with all that is below it: one is freed when no image is left that has it. */
  const chainsOf = (facts: Facts, { id }: Image): readonly string[] => {
    const { layers = [] } = facts.inventory.details.get(id) ?? {};
    return layers.length === 0 ? [id] : layers.map((_, index) => layers.slice(0, index + 1).join('/'));
  };
  const freesAnyLayer = (facts: Facts, image: Image, left: readonly Image[]) => {
    const held = new Set(left.flatMap((other) => chainsOf(facts, other)));
    return chainsOf(facts, image).some((chain) => !held.has(chain));
  };

  it('every removal for space frees a layer at its turn, or together with the next images with the same layers', () => {
    fc.assert(
      fc.property(nodes, ({ facts, candidates }) => {
        const { removals } = orderRemovals(facts, candidatesOf(facts, candidates));
        let left = facts.inventory.images;
        for (const [index, { image, always }] of removals.entries()) {
          left = left.filter((other) => other !== image);
          const path = chainsOf(facts, image).at(-1);
          const mates = removals.slice(index + 1).filter((later) => chainsOf(facts, later.image).at(-1) === path);
          const others = left.filter((other) => !mates.some((mate) => mate.image === other));
          expect(always || freesAnyLayer(facts, image, others)).toBe(true);
        }
      }),
    );
  });

  it('a useless removal would free nothing, even if all other candidates were removed', () => {
    fc.assert(
      fc.property(nodes, ({ facts, candidates }) => {
        const { removals, useless } = orderRemovals(facts, candidatesOf(facts, candidates));
        expect(removals.length + useless.length).toBe(candidates.size);
        const staying = facts.inventory.images.filter(({ id }) => !candidates.has(id));
        for (const image of useless) expect(freesAnyLayer(facts, image, staying)).toBe(false);
      }),
    );
  });

  it('the freed bytes are never more than the sizes of the images', () => {
    fc.assert(
      fc.property(nodes, ({ facts, candidates }) => {
        const { removals } = orderRemovals(facts, candidatesOf(facts, candidates));
        const freed = removals.reduce((sum, { freesBytes }) => sum + freesBytes, 0);
        expect(freed).toBeLessThanOrEqual(facts.inventory.images.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
      }),
    );
  });

  it('the order does not depend on the order in which the runtime lists images', () => {
    fc.assert(
      fc.property(nodes, ({ facts, candidates, shuffle }) => {
        const { removals } = orderRemovals(facts, candidatesOf(facts, candidates));
        const shuffled = orderRemovals(shuffle, candidatesOf(shuffle, candidates)).removals;
        expect(shuffled).toEqual(removals);
      }),
    );
  });
});
