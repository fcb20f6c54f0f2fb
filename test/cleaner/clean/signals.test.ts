import { expect, it } from 'vitest';
import { imagesLeft, startClean } from '../../helpers/clean.ts';
import { junk, prepare, waitForImages } from '../../helpers/node-to-clean.ts';

it('after SIGTERM, the removal under way finishes, and no other starts (T14)', async () => {
  const slow = junk.map((image) => ({ ...image, removal: { kind: 'Late', ms: 1_500 } as const }));
  const bench = await prepare({ images: slow });
  const { subprocess, done } = startClean(bench);
  await waitForImages(bench, 30);
  subprocess.kill('SIGTERM');
  const run = await done;

  expect(run.exitCode).toBe(1);
  expect(imagesLeft(bench)).toHaveLength(30);
  expect(run.images).toHaveLength(80);
  expect(run.report).toMatchObject({
    outcome: 'PartiallyFailed',
    images: { removed: 50, failed: 0, skipped: 30 },
    errors: [{ reason: 'Interrupted', message: '30 images were not tried: asked to stop' }],
  });
});

it('after SIGTERM, the cleaner leaves a removal that hangs, and reports well before 30 s (H29)', async () => {
  const hung = junk.slice(0, 40).map((image) => ({ ...image, removal: { kind: 'Hangs' } as const }));
  const bench = await prepare({ images: [...hung, ...junk.slice(40)] });
  const { subprocess, done } = startClean(bench);
  await waitForImages(bench, 79);
  const stoppedAt = performance.now();
  subprocess.kill('SIGTERM');
  const run = await done;

  expect(performance.now() - stoppedAt).toBeLessThan(25_000);
  expect(run.exitCode).toBe(1);
  expect(run.images).toHaveLength(80);
  expect(run.report.images.removed).toBe(80 - imagesLeft(bench).length);
  expect(run.report.images).toMatchObject({ skipped: 30 });
  expect(run.report.images.failed).toBeGreaterThan(0);
  expect(run.report.errors[0]).toMatchObject({ reason: 'Interrupted' });
}, 60_000);
