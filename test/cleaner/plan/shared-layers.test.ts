import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openLedger } from '../../../cleaner/plan/shared-layers.ts';
import type { Image, ImageDetails } from '../../../cleaner/runtime/runtime.ts';
import { buildImage } from '../../helpers/inventory.ts';

type Sample = { readonly image: Image; readonly details: ImageDetails };

/** An image with layers that are named by one letter each, lowest first. */
function sample(id: string, layers: string, sizeBytes: number, sharedBytes?: number): Sample {
  const details = { id, layers: [...layers], ...(sharedBytes !== undefined && { sharedBytes }) };
  return { image: buildImage(id, { id, sizeBytes }), details };
}

function ledgerOf(samples: readonly Sample[]) {
  return openLedger(
    samples.map(({ image }) => image),
    new Map(samples.map(({ details }) => [details.id, details])),
  );
}

/** All that the removal of each image frees, in this order. */
function freed(...samples: readonly Sample[]): readonly number[] {
  const ledger = ledgerOf(samples);
  return samples.map(({ image }) => ledger.remove(image));
}

describe('the removal of an image frees', () => {
  const base = sample('base', 'ab', 100);
  const app = sample('app', 'abc', 150);
  const tool = sample('tool', 'abcd', 151);

  it('exactly the layers that it adds to the images that it is built on', () => {
    expect(freed(tool, app, base)).toEqual([1, 50, 100]);
  });

  it('nothing while images that are built on it stay, and everything after that', () => {
    expect(freed(base, app, tool)).toEqual([0, 0, 151]);
    expect(freed(base, tool, app)).toEqual([0, 1, 150]);
  });

  it('an equal part of the bytes that no image in between accounts for, to the last byte', () => {
    const left = sample('left', 'abx', 100);
    const right = sample('right', 'aby', 300);
    expect(freed(left, right)).toEqual([34, 300]);
    expect(freed(right, left)).toEqual([234, 100]);
  });

  it('its nominal size if its layers are not known', () => {
    expect(freed(sample('one', '', 7), sample('two', '', 7))).toEqual([7, 7]);
  });

  it('no layer of the same content on other layers: each of the two is a snapshot of its own', () => {
    expect(freed(sample('one', 'ac', 40), sample('two', 'bc', 60))).toEqual([40, 60]);
  });

  it('the bytes that it does not share, if the runtime reports them (Docker Engine)', () => {
    const one = sample('one', 'abc', 500, 400);
    const two = sample('two', 'abd', 420, 400);
    expect(freed(one, two)).toEqual([100, 420]);
    expect(freed(two, one)).toEqual([20, 500]);
  });

  it('the bytes that it does not share, if the runtime reports them but not the layers', () => {
    expect(freed(sample('one', '', 500, 400), sample('two', '', 420, 400))).toEqual([100, 20]);
  });

  it('never a negative number of bytes, whatever sizes the runtime reports', () => {
    expect(freed(sample('app', 'abc', 5), sample('base', 'ab', 100))).toEqual([0, 100]);
    expect(freed(sample('app', 'abc', 5, 100), sample('base', 'ab', 100, 100))).toEqual([0, 100]);
  });
});

describe('an image that is to be removed', () => {
  const ask = (samples: readonly Sample[], ...asked: readonly Sample[]) => {
    const ledger = ledgerOf(samples);
    return asked.map(({ image }) =>
      ledger.ask(image).map((going) => {
        ledger.remove(going);
        return going.id;
      }),
    );
  };
  const base = sample('base', 'ab', 100);
  const app = sample('app', 'abc', 150);
  const tool = sample('tool', 'abcd', 151);
  const other = sample('other', 'abe', 120);

  it('is removed immediately if only it holds a layer', () => {
    expect(ask([base, app, other], app, other, base)).toEqual([['app'], ['other'], ['base']]);
  });

  it('waits for the images that are built on it, and is removed right after the last of them', () => {
    expect(ask([base, app, tool, other], base, app, tool, other)).toEqual([[], [], ['tool', 'app'], ['other', 'base']]);
  });

  it('is never removed if an image that is built on it stays', () => {
    expect(ask([base, app], base)).toEqual([[]]);
  });

  it('waits for the images with the same layers, and is removed with the last of them', () => {
    const mates = ['one', 'two', 'three'].map((id) => sample(id, 'abm', 130));
    expect(ask([base, ...mates], ...mates, base)).toEqual([[], [], ['one', 'two', 'three'], ['base']]);
    expect(ask([base, ...mates], base, ...mates.slice(1))).toEqual([[], [], []]);
  });
});

describe('whatever layers images share', () => {
  const samples = fc
    .array(
      fc.record({
        layers: fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 5 }),
        size: fc.nat(1_000),
        shared: fc.option(fc.nat(1_000), { nil: undefined }),
      }),
      { maxLength: 12 },
    )
    .map((all) => all.map(({ layers, size, shared }, index) => sample(`image-${index}`, layers, size, shared)));
  const shuffled = samples.chain((all) =>
    fc.record({ all: fc.constant(all), order: fc.shuffledSubarray(all, { minLength: all.length }) }),
  );
  const sumOf = (numbers: readonly number[]) => numbers.reduce((sum, number) => sum + number, 0);

  it('the removal of all images frees the same bytes in any order, and with only nominal sizes no more than their sum', () => {
    fc.assert(
      fc.property(shuffled, ({ all, order }) => {
        expect(sumOf(freed(...order))).toBe(sumOf(freed(...all)));
        const nominal = all.map(({ image, details: { sharedBytes: _, ...details } }) => ({ image, details }));
        expect(sumOf(freed(...nominal))).toBeLessThanOrEqual(sumOf(all.map(({ image }) => image.sizeBytes)));
      }),
    );
  });

  it('the order in which the runtime lists images does not matter', () => {
    fc.assert(
      fc.property(shuffled, ({ all, order }) => {
        const [one, two] = [ledgerOf(all), ledgerOf(order)];
        for (const { image } of all) expect(one.remove(image)).toBe(two.remove(image));
      }),
    );
  });
});
