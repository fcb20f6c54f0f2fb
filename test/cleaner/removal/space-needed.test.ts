import fc from 'fast-check';
import { expect, it } from 'vitest';
import { openSpace } from '../../../cleaner/removal/space-freed.ts';
import { measureNeed } from '../../../cleaner/removal/space-needed.ts';

const at = (usedBytes: number) => ({ capacityBytes: 1_000_000, usedBytes, availableBytes: 1_000_000 - usedBytes });

it('a removal that will bring usage to exactly lowPercent needs no other image, whatever share of sizes becomes free (N7)', async () => {
  // Sizes of which the runtime frees only a part: the share is no whole number, and neither is what is expected.
  const given = fc.record({
    size: fc.integer({ min: 1, max: 100 }),
    share: fc.integer({ min: 1, max: 99 }),
    count: fc.integer({ min: 1, max: 20 }),
    lowPercent: fc.integer({ min: 1, max: 50 }),
  });
  await fc.assert(
    fc.asyncProperty(given, async ({ size, share, count, lowPercent }) => {
      const target = lowPercent * 10_000;
      const before = target + count * size * share;
      const space = openSpace(at(before + size * share));
      space.expect(size * 100);
      // The first removal shows the share, and then further ones are expected to free that part.
      space.writeOff(at(before));
      for (let image = 0; image < count; image += 1) space.expect(size * 100);
      let now = before;
      const sleep = async () => {
        now = target;
      };
      const ports = { measureDisk: async () => at(now), sleep, monotonicMs: () => 0 };
      expect(await measureNeed(lowPercent, space, ports, new AbortController().signal)).toBeLessThanOrEqual(0);
    }),
    { numRuns: 1_000 },
  );
});
