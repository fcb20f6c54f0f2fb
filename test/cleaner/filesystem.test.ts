import { mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { measureImageDisk } from '../../cleaner/filesystem.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'filesystem-'));
});
afterEach(() => rm(directory, { recursive: true }));

const runtimeWith = (...mountpoints: string[]) => ({ getImageFilesystems: async () => mountpoints });
const elsewhere = () => join(directory, 'elsewhere');

/** All that changes while a test runs is left out. */
async function expectMeasured(usage: { readonly capacityBytes: number }, path: string): Promise<void> {
  const { blocks, bsize } = await statfs(path);
  expect(usage.capacityBytes).toBe(blocks * bsize);
}

describe('the disk with the images (T22, H13)', () => {
  it('is the one that the runtime names, wherever the state directory is', async () => {
    await expectMeasured(await measureImageDisk(runtimeWith(directory), { directory: '/proc' }), directory);
  });

  it.skipIf(process.platform !== 'linux')('is the fullest of several', async () => {
    // That of the processes is a filesystem without blocks, so never fuller than one with any.
    for (const mountpoints of [
      [directory, '/proc'],
      ['/proc', directory],
    ]) {
      await expectMeasured(await measureImageDisk(runtimeWith(...mountpoints), { directory: '/proc' }), directory);
    }
  });

  it('is on this machine: a runtime may name directories that only its own machine has', async () => {
    const runtime = runtimeWith(elsewhere(), directory);
    await expectMeasured(await measureImageDisk(runtime, { directory: '/proc' }), directory);
  });

  it('is that of the state directory if the runtime names none on this machine, and the user named the directory', async () => {
    await expectMeasured(await measureImageDisk(runtimeWith(elsewhere()), { directory }), directory);
  });

  it.each([[['/proc']], [['/nowhere/images']]])('is not guessed if the runtime names %s', async (mountpoints) => {
    await expect(measureImageDisk(runtimeWith(...mountpoints), { directory: undefined })).rejects.toThrow(
      `${mountpoints[0]}, which can't be measured here: name a directory`,
    );
  });

  it('is not guessed if the runtime does not answer', async () => {
    const getImageFilesystems = () => Promise.reject(new Error('the runtime is down'));
    await expect(measureImageDisk({ getImageFilesystems }, { directory })).rejects.toThrow('the runtime is down');
  });
});

describe('the disk with the images, seen from inside a pod (H13)', () => {
  const view = () => ({ directory, pathOnNode: '/var/lib/containerd/nodesweep' });

  it('is that of the state directory if the images are beside it on the node', async () => {
    const runtime = runtimeWith('/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs');
    await expectMeasured(await measureImageDisk(runtime, view()), directory);
  });

  it('is not that of a directory of the pod that has the same path by chance', async () => {
    const runtime = runtimeWith('/var/lib/containerd');
    await expectMeasured(await measureImageDisk(runtime, { ...view(), directory: '/' }), '/');
  });

  it.each(['/data/containers/storage/overlay-images', '/var/lib/containerd-2/overlay-images'])(
    'is not guessed if the images are elsewhere, in %s',
    async (mountpoint) => {
      await expect(measureImageDisk(runtimeWith(mountpoint), view())).rejects.toThrow(
        `the runtime keeps its images in ${mountpoint}, and the state directory /var/lib/containerd/nodesweep is on another filesystem`,
      );
    },
  );
});

it('the disk of a directory that does not exist yet is the one that it would be on, and the directory is not created', async () => {
  await expectMeasured(
    await measureImageDisk(runtimeWith(elsewhere()), { directory: join(directory, 'a', 'b') }),
    directory,
  );
  expect(await readdir(directory)).toEqual([]);
});

it('the disk of a directory with a file in its place is the one that it would be on', async () => {
  await writeFile(join(directory, 'file'), '');
  const usage = await measureImageDisk(runtimeWith(elsewhere()), { directory: join(directory, 'file', 'state') });
  await expectMeasured(usage, directory);
  expect(usage.usedBytes + usage.availableBytes).toBeLessThanOrEqual(usage.capacityBytes);
});
