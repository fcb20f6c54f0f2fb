import { expect, it } from 'vitest';
import { buildContainer, buildImage, readNode, updateNode } from '../../fixtures/simulated/node.ts';
import { imagesLeft, nameOf, runClean, startClean } from '../../helpers/clean.ts';
import { decisions, junk, old, prepare, waitForImages } from '../../helpers/node-to-clean.ts';

it('a removal that the runtime refuses stops no other, and is in the report with its reason (N9, T16)', async () => {
  const used = buildImage('docker.io/library/used:1', { removal: { kind: 'InUse' } });
  const stuck = buildImage('docker.io/library/stuck:1', { removal: { kind: 'Fails', message: 'read-only' } });
  const bench = await prepare({ images: [used, stuck, old] });
  const run = await runClean(bench);

  expect(run.exitCode).toBe(1);
  expect(decisions(run)).toEqual({
    [nameOf(used)]: 'remove InUse skipped',
    [nameOf(stuck)]: 'remove RemovalFailed failed',
    [nameOf(old)]: 'remove removed',
  });
  expect(run.report).toMatchObject({
    outcome: 'PartiallyFailed',
    images: { removed: 1, failed: 1, skipped: 1 },
    errors: [{ image: nameOf(stuck), reason: 'RemovalFailed', message: expect.stringContaining('read-only') }],
  });
});

it('the cleaner skips an image that is used since its removal began, and counts one that is gone (C34, T15, T17, T24)', async () => {
  const slow = junk.map((image) => ({ ...image, removal: { kind: 'Late', ms: 1_500 } as const }));
  const bench = await prepare({ images: slow });
  const { done } = startClean(bench);
  await waitForImages(bench, 30);
  const left = readNode(bench.nodeFile).images;
  const [usedNow, goneNow] = left.slice(-2);
  if (usedNow === undefined || goneNow === undefined) throw new Error('nothing is left for a second batch');
  updateNode(bench.nodeFile, (node) => ({
    ...node,
    images: node.images.filter(({ id }) => id !== goneNow.id),
    containers: [buildContainer(usedNow)],
  }));
  const run = await done;

  expect(run.exitCode).toBe(0);
  expect(imagesLeft(bench)).toEqual([nameOf(usedNow)]);
  expect(decisions(run)).toMatchObject({
    [nameOf(usedNow)]: 'remove InUse skipped',
    [nameOf(goneNow)]: 'remove removed',
  });
  expect(run.report.images).toMatchObject({ total: 80, removed: 79, skipped: 1 });
});
