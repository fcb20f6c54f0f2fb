import { describe, expect, it } from 'vitest';
import { maxReportBytes } from '../../../contract/report.ts';
import { buildContainer, buildImage } from '../../fixtures/simulated/node.ts';
import { imagesLeft, nameOf, runClean } from '../../helpers/clean.ts';
import { decisions, old, prepare, web } from '../../helpers/node-to-clean.ts';

describe('one odd image fails no run, and is in the report (H30)', () => {
  const odd = (answer: Record<string, unknown>, fields: object = {}) =>
    buildImage('registry.test/odd:1', { answer, ...fields });
  const job = { images: { keepNewestPerRepository: 1 } };
  const older = ['1', '2'].map((tag) =>
    buildImage(`registry.test/odd:${tag}0`, { created: `202${tag}-01-01T00:00:00Z` }),
  );

  it.each([
    ['a size that no disk has', odd({ size: '18446744073709551615' }), 'ImageSizeUnknown'],
    ['a size below zero', odd({ size: '-1' }), 'ImageSizeUnknown'],
    ['another kind of ID', odd({ id: 'md5:0123' }), 'ImageUnreadable'],
    ['tags that are no list', odd({ repoTags: 'registry.test/odd:1' }), 'ImageUnreadable'],
    [
      'a configuration that cannot be read in time',
      odd({}, { inspectionError: 'code = DeadlineExceeded desc = context deadline exceeded' }),
      'ImageNotInspected',
    ],
    [
      'a configuration that is lost',
      odd({}, { inspectionError: 'code = NotFound desc = content digest sha256:0: not found' }),
      'ImageNotInspected',
    ],
  ])('if it has %s', async (_, image, reason) => {
    const bench = await prepare({ images: [web, old, image, ...older], containers: [buildContainer(web)] }, job);
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(run.report).toMatchObject({ outcome: 'Succeeded', errors: [{ reason }] });
    expect(decisions(run)).toMatchObject({ 'registry.test/odd:10': 'remove removed' });
    if (reason !== 'ImageSizeUnknown') expect(imagesLeft(bench)).toContain('registry.test/odd:1');
  });

  it('if a container uses it, and it has another kind of ID', async () => {
    const image = odd({ id: 'md5:0123' });
    const containers = [
      buildContainer(web),
      buildContainer(image, { answer: { imageId: 'md5:0123', imageRef: 'md5:0123' } }),
    ];
    const bench = await prepare({ images: [web, old, image], containers }, { images: { keepNewestPerRepository: 0 } });
    const run = await runClean(bench);

    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual([nameOf(image), nameOf(web)].toSorted());
    expect(run.report.errors).toMatchObject([{ reason: 'ImageUnreadable' }]);
  });

  it('and 300 of them leave the report small enough', async () => {
    const images = Array.from({ length: 300 }, (_, index) =>
      buildImage(`registry.test/odd:${index}`, { answer: { id: `md5:${index}`.padEnd(5_000, 'x') } }),
    );
    const bench = await prepare({ images: [web, old, ...images], containers: [buildContainer(web)] });
    const run = await runClean(bench);

    expect(imagesLeft(bench)).not.toContain(nameOf(old));
    expect(run.report.errors).toMatchObject([{ message: expect.stringContaining('and 297 more') }]);
    expect(Buffer.byteLength(JSON.stringify(run.report))).toBeLessThanOrEqual(maxReportBytes);
  });
});
