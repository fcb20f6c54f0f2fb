import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { limitShare } from '../../../cleaner/plan/max-percent-per-run.ts';
import { makePlan } from '../../../cleaner/plan/plan.ts';
import type { JobDocument } from '../../../contract/job.ts';
import { buildFacts, buildImage, buildInUse, type FactFields } from '../../helpers/inventory.ts';

const images = Array.from({ length: 10 }, (_, index) => buildImage(`a.io/app:${index}`));

function plan(job: Partial<JobDocument>, used: number, fields: FactFields = {}) {
  const inventory = { images, inUse: buildInUse(...images.slice(0, used)), ...fields.inventory };
  const facts = buildFacts({ ...fields, job, inventory });
  return limitShare(makePlan(facts), facts);
}

describe('maxPercentPerRun (H16)', () => {
  it.each([
    [50, 5, 5],
    [50, 4, 0],
    [59, 5, 5],
    [100, 0, 10],
    [undefined, 0, 10],
  ])('of %s, with 10 images and %i of them used, allows the removal of %i', (maxPercentPerRun, used, count) => {
    expect(plan({ images: { maxPercentPerRun } }, used).removals).toHaveLength(count);
  });

  it('counts bytes as well as images', () => {
    const large = buildImage('a.io/large:1', { sizeBytes: 10_000 });
    const refused = plan({ images: { maxPercentPerRun: 50 } }, 10, { inventory: { images: [...images, large] } });
    expect(refused.removals).toEqual([]);
    expect(refused.refusal?.message).toMatch(
      /^1 of 11 images \(9.8 KiB of 10.7 KiB\) would be removed, more than images.maxPercentPerRun/,
    );
  });

  it('keeps every image that would have been removed, with the reason', () => {
    const { kept, refusal } = plan({ images: { maxPercentPerRun: 50 } }, 2);
    expect(refusal?.message).toContain('8 of 10 images');
    expect(kept.filter(({ reason }) => reason === 'OverLimit')).toHaveLength(8);
    expect(kept.find(({ reason }) => reason === 'OverLimit')?.message).toBe(refusal?.message);
  });

  it('counts the images that would be removed, not those that could be: maxPerRun and disk usage leave fewer', () => {
    expect(plan({ images: { maxPercentPerRun: 50, maxPerRun: 5 } }, 0).refusal).toBeUndefined();
    const disk = { highPercent: 85, lowPercent: 80 };
    const diskUsage = { capacityBytes: 1_000, usedBytes: 900, availableBytes: 100 };
    expect(plan({ disk, images: { maxPercentPerRun: 10 } }, 0, { diskUsage }).refusal).toBeUndefined();
    expect(plan({ disk, images: { maxPercentPerRun: 9 } }, 0, { diskUsage }).refusal).toBeDefined();
  });

  it('is never exceeded by a plan, in images or in bytes', () => {
    const sizes = fc.array(fc.integer({ min: 0, max: 1_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 100 }), fc.nat(20), (all, maxPercentPerRun, used) => {
        const node = all.map((sizeBytes, index) => buildImage(`a.io/x:${index}`, { sizeBytes }));
        const inventory = { images: node, inUse: buildInUse(...node.slice(0, used)) };
        const { removals } = plan({ images: { maxPercentPerRun } }, 0, { inventory });
        const bytes = removals.reduce((sum, { image }) => sum + image.sizeBytes, 0);
        const allBytes = all.reduce((sum, size) => sum + size, 0);
        expect(removals.length * 100).toBeLessThanOrEqual(node.length * maxPercentPerRun);
        expect(bytes * 100).toBeLessThanOrEqual(allBytes * maxPercentPerRun);
        const unused = node.slice(used);
        if (removals.length === 0 && unused.length > 0) {
          const unusedBytes = unused.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
          const isTooMuch =
            unused.length * 100 > node.length * maxPercentPerRun || unusedBytes * 100 > allBytes * maxPercentPerRun;
          expect(isTooMuch).toBe(true);
        }
      }),
    );
  });
});
