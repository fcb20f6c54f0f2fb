import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { measureDisk, measureImageDisk } from '../../cleaner/filesystem.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'filesystem-'));
});
afterEach(() => rm(directory, { recursive: true }));

const runtimeWith = (...mountpoints: string[]) => ({ getImageFilesystems: async () => mountpoints });

/** What changes while a test runs is left out. */
async function expectMeasured(usage: { readonly capacityBytes: number }, path: string): Promise<void> {
  const { blocks, bsize } = await statfs(path);
  expect(usage.capacityBytes).toBe(blocks * bsize);
}

describe('the disk with the images (T22)', () => {
  it('is where the runtime says that they are, wherever the state is', async () => {
    await expectMeasured(await measureImageDisk(runtimeWith(directory), '/proc'), directory);
  });

  it.skipIf(process.platform !== 'linux')('is the fullest of several', async () => {
    // That of the processes is a filesystem without blocks, so never fuller than one with any.
    for (const mountpoints of [
      [directory, '/proc'],
      ['/proc', directory],
    ]) {
      await expectMeasured(await measureImageDisk(runtimeWith(...mountpoints), '/proc'), directory);
    }
  });

  it('is one that is on this machine: a runtime may name places that only its own machine has', async () => {
    const elsewhere = join(directory, 'elsewhere');
    await expectMeasured(await measureImageDisk(runtimeWith(elsewhere, directory), '/proc'), directory);
  });

  it.skipIf(process.platform !== 'linux')(
    'is that of the state directory where the runtime names none here',
    async () => {
      await expectMeasured(await measureImageDisk(runtimeWith(join(directory, 'elsewhere')), '/proc'), '/proc');
    },
  );

  it('is not guessed where the runtime does not answer', async () => {
    const getImageFilesystems = () => Promise.reject(new Error('the runtime is down'));
    await expect(measureImageDisk({ getImageFilesystems }, directory)).rejects.toThrow('the runtime is down');
  });
});

it('the disk of a directory that is not there yet is the one that it would be on, and it is not made', async () => {
  await expectMeasured(await measureDisk(join(directory, 'a', 'b')), directory);
  expect(await readdir(directory)).toEqual([]);
});

it('so is that of a directory in whose place there is a file', async () => {
  await writeFile(join(directory, 'file'), '');
  const usage = await measureDisk(join(directory, 'file', 'state'));
  await expectMeasured(usage, directory);
  expect(usage.usedBytes + usage.availableBytes).toBeLessThanOrEqual(usage.capacityBytes);
});
