import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { buildContainer, buildImage } from '../../fixtures/simulated/node.ts';
import { imagesLeft, runClean } from '../../helpers/clean.ts';
import { decisions, junk, prepare, web } from '../../helpers/node-to-clean.ts';

describe('the disk', () => {
  const disk = { highPercent: 85, lowPercent: 70 };
  const eight = () => junk.slice(0, 8);

  it('is full when its inodes are used up, and is cleaned until enough of them are free (H14)', async () => {
    const filesystem = {
      capacityBytes: 100e9,
      otherBytes: 0,
      mountpoint: '/',
      inodes: { capacity: 100, perImage: 12 },
    };
    const bench = await prepare({ images: eight(), filesystem }, { disk });
    const run = await runClean(bench);

    expect(run.report.images).toMatchObject({ removed: 3, kept: 5 });
  });

  it('that stays above its target is in the report, with the kept bytes by reason (H15)', async () => {
    const used = { ...web, sizeBytes: 0.99e9 };
    const small = buildImage('docker.io/library/small:1', { sizeBytes: 1e6 });
    const base = buildImage('docker.io/library/base:1', { sizeBytes: 9e6 });
    const filesystem = { capacityBytes: 10e9, otherBytes: 8.2e9, mountpoint: '/' };
    const node = { images: [used, small, base], containers: [buildContainer(used)], filesystem };
    const bench = await prepare(node, { images: { exclude: ['**/base'] }, disk: { highPercent: 85, lowPercent: 80 } });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual(['docker.io/library/base:1', 'docker.io/library/web:1']);
    expect(run.report).toMatchObject({
      outcome: 'TargetNotMet',
      images: { removed: 1, failed: 0 },
      keptBytes: { InUse: 0.99e9, Excluded: 9e6 },
      errors: [{ reason: 'TargetNotMet', message: expect.stringMatching(/InUse 944.1 MiB; Excluded 8.6 MiB$/) }],
    });
  });

  it.each([
    [89, 80, 'Failed', 2],
    [90, 8, 'Succeeded', 0],
  ])(
    'keeps every image if more than maxPercentPerRun (%i) would be removed: %i of 80 images stay (H16)',
    async (maxPercentPerRun, left, outcome, exitCode) => {
      const bench = await prepare(
        { images: junk, containers: junk.slice(0, 8).map((image) => buildContainer(image)) },
        { images: { maxPercentPerRun } },
      );
      const run = await runClean(bench);

      expect(imagesLeft(bench)).toHaveLength(left);
      expect(run).toMatchObject({ exitCode, report: { outcome, images: { total: 80 } } });
      const told = run.report.errors.map(({ reason }) => reason);
      expect(told).toEqual(outcome === 'Failed' ? ['TooManyRemovals'] : []);
    },
  );

  it('that cannot be measured is cleaned by no threshold, and the report says so (H13)', async () => {
    const elsewhere = { NODESWEEP_STATE_ON_NODE: '/var/lib/docker/nodesweep' };
    const bench = await prepare({ images: eight() }, { disk });
    const run = await runClean(bench, [], elsewhere);

    expect(run.exitCode).toBe(2);
    expect(run.report.outcome).toBe('Failed');
    expect(run.report.errors).toMatchObject([
      { reason: 'DiskUnmeasurable', message: expect.stringContaining('NODESWEEP_STATE_DIRECTORIES') },
    ]);
    expect(imagesLeft(bench)).toHaveLength(8);
  });

  it('that cannot be measured is cleaned of images that are unused for too long, and the report says so (H13, N5)', async () => {
    const bench = await prepare({ images: eight() }, { disk, images: { minAge: '0s', maxUnusedAge: '1s' } });
    await runClean(bench, ['--dry-run']);
    await sleep(1_100);
    const run = await runClean(bench, [], { NODESWEEP_STATE_ON_NODE: '/var/lib/docker/nodesweep' });

    expect(run.report).toMatchObject({ images: { removed: 8 }, errors: [{ reason: 'DiskUnmeasurable' }] });
  });

  it('is cleaned down to the low threshold and no further (N6, N7)', async () => {
    const filesystem = { capacityBytes: 10e9, otherBytes: 1.05e9, mountpoint: '/' };
    const images = junk.slice(0, 8).map((image) => ({ ...image, sizeBytes: 1e9 }));
    const bench = await prepare({ images, filesystem }, { disk: { highPercent: 85, lowPercent: 80 } });
    const run = await runClean(bench);

    expect(run.report.images).toMatchObject({ removed: 2, kept: 6 });
    expect(imagesLeft(bench)).toHaveLength(6);
    expect(Object.values(decisions(run)).filter((decision) => decision === 'keep BelowThreshold')).toHaveLength(6);
  });
});
