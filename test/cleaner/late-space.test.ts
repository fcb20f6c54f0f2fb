import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildReport } from '../../cleaner/report/build.ts';
import { createUsageReader } from '../../cleaner/runtime/inventory.ts';
import { sweep } from '../../cleaner/sweep.ts';
import { buildHistory, buildImage, buildJob, buildRunHistory, buildRuntime, dayMs, now } from '../helpers/inventory.ts';

/** A disk that gives back what was removed: this share of each image, and so much later. */
type Disk = { readonly share: number; readonly delaysMs: readonly number[] };
type Node = {
  readonly sizes: readonly number[];
  readonly lowPercent: number;
  readonly highPercent?: number;
  /** The capacity in bytes, of which the images take a part; without it they take 90 %. */
  readonly capacity?: number;
};

const node: fc.Arbitrary<Node> = fc.record({
  sizes: fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 3, maxLength: 25 }),
  lowPercent: fc.integer({ min: 5, max: 80 }),
});
/** Longer than this may pass between two arrivals only where nothing has come yet. */
const trickle = fc.array(fc.integer({ min: 0, max: 9_000 }), { minLength: 1, maxLength: 25 });
const atOnce = fc.integer({ min: 0, max: 30_000 }).map((delayMs) => [delayMs]);

/** Makes a run by thresholds. */
async function run({ sizes, lowPercent, highPercent = 85, capacity }: Node, { share, delaysMs }: Disk) {
  const images = sizes.map((sizeBytes, index) => buildImage(`registry.test/junk:${index}`, { sizeBytes }));
  const totalBytes = sizes.reduce((sum, size) => sum + size, 0);
  const capacityBytes = capacity ?? totalBytes / 0.9;
  const records = images.map(({ id }, index) => [id, { firstSeen: now - 30 * dayMs + index }]);
  const freed: { readonly atMs: number; readonly bytes: number }[] = [];
  const removed: number[] = [];
  let nowMs = 0;
  const runtime = buildRuntime({ images });
  const remove = runtime.removeImages;
  runtime.removeImages = (ids) => {
    for (const { id, sizeBytes } of images.filter(({ id }) => ids.includes(id))) {
      const delayMs = delaysMs[images.findIndex((image) => image.id === id) % delaysMs.length] ?? 0;
      freed.push({ atMs: nowMs + delayMs, bytes: sizeBytes * share });
      removed.push(sizeBytes);
    }
    return remove(ids);
  };
  const usedAt = (ms: number) =>
    totalBytes - freed.filter(({ atMs }) => atMs <= ms).reduce((sum, { bytes }) => sum + bytes, 0);
  const measureDisk = async () => {
    const usedBytes = usedAt(nowMs);
    return { capacityBytes, usedBytes, availableBytes: capacityBytes - usedBytes };
  };
  const findings = await sweep(
    buildJob({ images: { minAge: '0s' }, disk: { highPercent, lowPercent } }),
    {
      runtime,
      readUsage: createUsageReader(runtime, undefined),
      node: {
        ownReferences: [],
        measureDisk,
        openHistory: () => buildRunHistory(buildHistory(Object.fromEntries(records))),
        throttle: async () => false,
        monotonicMs: () => nowMs,
        sleep: async (ms) => {
          nowMs += ms;
        },
      },
      onImage: () => undefined,
    },
    new AbortController().signal,
  );
  return {
    report: buildReport(findings, 0),
    removed,
    left: runtime.images.length,
    excessBytes: totalBytes - (lowPercent / 100) * capacityBytes,
    /** When everything has come that comes. */
    usedPercent: (usedAt(Number.MAX_SAFE_INTEGER) / capacityBytes) * 100,
    waitedMs: nowMs,
  };
}

/** Sizes and percentages are no whole numbers here. */
const rounding = 1e-6;
const sum = (all: readonly number[]) => all.reduce((total, one) => total + one, 0);

describe('space that becomes free late', () => {
  it('a run by thresholds removes the images that the sizes require, and no more (H25, N7, T21)', async () => {
    await fc.assert(
      fc.asyncProperty(node, fc.oneof(trickle, atOnce), async (given, delaysMs) => {
        const { report, removed, left, excessBytes, usedPercent } = await run(given, { share: 1, delaysMs });
        expect(sum(removed.slice(0, -1))).toBeLessThan(excessBytes + rounding);
        if (left > 0) expect(usedPercent).toBeLessThanOrEqual(given.lowPercent + rounding);
        expect(report.images).toMatchObject({ removed: removed.length, failed: 0, unknown: 0, skipped: 0 });
        expect(report.bytes.nominal).toBe(sum(removed));
      }),
      { numRuns: 200 },
    );
  });

  it('a run stops and reports it if no space becomes free (H25)', async () => {
    await fc.assert(
      fc.asyncProperty(node, async (given) => {
        const delaysMs = [Number.POSITIVE_INFINITY];
        const { report, removed, left, excessBytes, waitedMs } = await run(given, { share: 1, delaysMs });
        expect(sum(removed.slice(0, -1))).toBeLessThan(excessBytes + rounding);
        expect(report.bytes).toEqual({ freed: 0, nominal: sum(removed) });
        if (left > 0) expect(report.errors[0]?.reason).toBe('SpaceNotFreed');
        expect(waitedMs).toBeLessThan(120_000);
      }),
      { numRuns: 100 },
    );
  });

  it('a run removes no more than the freed part of the sizes requires (H25, N10)', async () => {
    const share = fc.double({ min: 0.3, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(node, share, async (given, share) => {
        const { removed, left, excessBytes, usedPercent } = await run(given, { share, delaysMs: [0] });
        expect(sum(removed.slice(0, -1)) * share).toBeLessThan(excessBytes + rounding);
        if (left > 0) expect(usedPercent).toBeLessThanOrEqual(given.lowPercent + rounding);
      }),
      { numRuns: 100 },
    );
  });
});

describe('a run whose first image brings usage to exactly lowPercent', () => {
  const boundary = fc
    .record({
      lowPercent: fc.integer({ min: 1, max: 97 }),
      above: fc.integer({ min: 1, max: 98 }),
      size: fc.oneof(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 1e12 })),
    })
    .map(({ lowPercent, above, size }) => {
      const highPercent = Math.min(99, lowPercent + above);
      const first = (highPercent - lowPercent) * size;
      const other = Math.max(1, Math.floor((lowPercent * size) / 2));
      return { lowPercent, highPercent, capacity: 100 * size, sizes: [first, lowPercent * size - other, other] };
    })
    .filter(({ sizes }) => sizes.every((size) => size > 0));

  it('starts at exactly highPercent, removes that image and no other, and has met its target (N7, H15, T21)', async () => {
    await fc.assert(
      fc.asyncProperty(boundary, async (given) => {
        const { report, removed } = await run(given, { share: 1, delaysMs: [0] });
        expect(removed).toEqual(given.sizes.slice(0, 1));
        expect(report.outcome).toBe('Succeeded');
      }),
      { numRuns: 200 },
    );
  });
});
