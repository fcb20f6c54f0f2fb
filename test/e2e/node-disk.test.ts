import { mkdir, open, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { buildImageSpecs } from '../helpers/images.ts';
import type { TestNode } from '../helpers/test-node.ts';
import { type CleanResult, runClean } from './node-clean.ts';
import { describeOnRuntimes } from './node-describe.ts';
import { expectGone, expectIntact, expectTold } from './node-expect.ts';

const big = { layers: 1, filesPerLayer: 4, bytesPerFile: 500_000 };

describeOnRuntimes(
  'a filesystem with images that has no free byte',
  (bench) => {
    it.each([
      ['that has no directory for the history yet', undefined],
      [
        'that has an empty directory for the history',
        async (node: TestNode) => void (await mkdir(node.stateDirectory)),
      ],
      ['whose history is there', async (node: TestNode) => void (await runClean(node, { job: nothing }))],
    ])('%s is cleaned down to the low threshold, and then has the history (H27, N7, N8, N10)', async (_, prepare) => {
      const { node } = bench;
      const unused = await node.importImages(buildImageSpecs('registry.test/unused', 20, big));
      const [used] = await node.importRunnables(['registry.test/used:1']);
      if (used === undefined) throw new Error('an image was imported');
      await node.runPod(used.id);
      await prepare?.(node);
      await fill(node);
      const before = await node.imageIds();

      const result = await runClean(node, { job: { ...everything, disk: { highPercent: 95, lowPercent: 85 } } });
      // The history can't be written while the disk is full, and the report says what follows from that.
      const message = expect.stringMatching(
        /ENOSPC.*: (?:every image counts as just seen|no image counts as long unused)$/,
      );
      expect(result).toMatchObject({
        exitCode: 0,
        report: { outcome: 'Succeeded', errors: [{ reason: 'HistoryNotWritten', message }] },
      });
      await expectTold(result, node, before);
      const { removed = 0 } = result.report?.images ?? {};
      expect(removed).toBeGreaterThan(0);
      expect(removed).toBeLessThan(unused.length);
      await expectMeasured(result, node);
      const history = JSON.parse(await readFile(join(node.stateDirectory, 'history.json'), 'utf8'));
      expect(Object.keys(history.images).sort()).toEqual([...(await node.imageIds())].sort());

      expect(await runClean(node, { job: everything })).toMatchObject({ exitCode: 0 });
      await expectGone(node, unused);
      await expectIntact(node, [used]);
    });
  },
  { imageFilesystemSize: '200M' },
);

const everything = { images: { minAge: '0s', keepSideLoaded: false } };
const nothing = { images: { include: ['registry.test/nothing'] } };

/** Takes every byte that root can have. */
async function fill(node: TestNode): Promise<void> {
  const path = join(node.lone.visibleImageDirectory, 'filler');
  onTestFinished(() => rm(path, { force: true }));
  const file = await open(path, 'w');
  for (const size of [1_000_000, 4_096, 1]) {
    const chunk = Buffer.alloc(size);
    while ((await writeOrStop(file, chunk)) === size);
  }
  await file.close();
  expect((await statfs(path)).bavail).toBe(0);
}

async function writeOrStop(file: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<number> {
  try {
    return (await file.write(chunk)).bytesWritten;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return 0;
    throw error;
  }
}

/** Checks that the report on the filesystem is right: of what was freed, only the removal of images is the cause. */
async function expectMeasured({ report }: CleanResult, node: TestNode): Promise<void> {
  const { blocks, bfree, bavail, bsize } = await statfs(node.lone.visibleImageDirectory);
  const used = blocks - bfree;
  expect(report?.filesystem.capacityBytes).toBe(blocks * bsize);
  expect((used / (used + bavail)) * 100).toBeLessThanOrEqual(85);
  expect(report?.bytes.freed).toBeGreaterThan(10_000_000);
}
