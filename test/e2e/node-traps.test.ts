import { expect, it } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import {
  buildImageSpec,
  buildImageSpecs,
  buildRunnableImageSpec,
  fillerLayers,
  type ImageSpec,
  type WrittenImage,
} from '../helpers/images.ts';
import type { TestNode } from '../helpers/test-node.ts';
import { type CleanResult, runClean } from './node-clean.ts';
import { describeOnRuntimes } from './node-describe.ts';
import { expectGone, expectIntact, expectPresent, expectTold } from './node-expect.ts';

describeOnRuntimes('the traps of a node', (bench) => {
  /** A node whose list of containers is not empty, as it never is on one that a cleaner runs on. */
  const runSomething = async (node: TestNode): Promise<WrittenImage> => {
    const [image] = await node.importRunnables(['registry.test/something:1']);
    if (image === undefined) throw new Error('an image was imported');
    await node.runPod(image.id);
    return image;
  };

  it('the pause image is kept while sandboxes use it, although the runtime may not pin it (T7)', async () => {
    const { node } = bench;
    await runSomething(node);
    const sandboxImage = await node.imageIdOf('localhost/pause:1');
    const result = await runClean(node);
    expect(reasonOf(result, sandboxImage)).toBe('Pinned');
    expect(result.exitCode).toBe(0);
    await node.runPod();
  });

  it('an image is kept if its tag moved after its container started, and so is the image that has the tag now (T5, C33)', async () => {
    const { node } = bench;
    const name = 'registry.test/moved:1';
    const [old] = await node.importRunnables([name]);
    await node.runPod(name);
    const [fresh] = await node.importRunnables(['registry.test/fresh:1'], ['sleep', '1h']);
    if (old === undefined || fresh === undefined) throw new Error('two images were imported');
    await node.lone.ctr('images', 'tag', '--force', 'registry.test/fresh:1', name);
    await waitFor('the runtime to notice', 10_000, async () => (await node.imageIdOf(name)) === fresh.id || undefined);
    expect(await node.namelessImageIds()).toEqual([old.id]);
    const [junk] = await node.importImages(buildImageSpecs('registry.test/unused', 1));
    const result = await runClean(node);
    expect(reasonOf(result, old.id)).toBe('InUse');
    await expectGone(node, junk ? [junk] : []);
    await expectIntact(node, [old, fresh]);
  });

  it('an image with several tags is removed as a whole or not at all, and is kept if any name is used or excluded (T4, T10, C35)', async () => {
    const { node } = bench;
    const { program } = node.lone;
    await runSomething(node);
    const [byTag, byDigest, excluded, free] = await node.importImages([
      {
        ...(await buildRunnableImageSpec('registry.test/tagged:1', program)),
        names: ['registry.test/tagged:1', 'registry.test/other:1'],
      },
      {
        ...(await buildRunnableImageSpec('registry.test/digested:1', program)),
        digestRepositories: ['registry.test/digested'],
      },
      buildImageSpec({ names: ['registry.test/app:1', 'registry.test/base:1'], layers: fillerLayers('excluded') }),
      buildImageSpec({
        names: ['registry.test/free:1', 'registry.test/free:2'],
        digestRepositories: ['registry.test/free'],
        layers: fillerLayers('free'),
      }),
    ]);
    if (!byTag || !byDigest || !excluded || !free) throw new Error('four images were imported');
    await node.runPod('registry.test/other:1');
    await node.runPod(`registry.test/digested@${byDigest.digest}`);
    const before = await node.imageIds();
    const result = await runClean(node, { job: { images: { minAge: '0s', exclude: ['**/base:*'] } } });
    expect([byTag, byDigest, excluded].map(({ id }) => reasonOf(result, id))).toEqual(['InUse', 'InUse', 'Excluded']);
    await expectTold(result, node, before);
    await expectGone(node, [free]);
    expect((await node.lone.ctr('images', 'list', '-q')).split('\n').filter((name) => name.includes('free'))).toEqual(
      [],
    );
    await expectIntact(node, [byTag, byDigest]);
  });

  it('a job that names images removes just these, with all of their tags or not at all, at any age (P8, P12)', async () => {
    const { node } = bench;
    const build = (seed: string, fields: Partial<ImageSpec>) =>
      buildImageSpec({ layers: fillerLayers(seed), ...fields });
    const [used] = await node.importRunnables(['registry.test/used:1']);
    const [pulled, untagged, twice, unnamed] = await node.importImages([
      build('pulled', { names: ['registry.test/pulled:1'], digestRepositories: ['registry.test/pulled'] }),
      build('untagged', { digestRepositories: ['registry.test/moved'] }),
      build('twice', { names: ['registry.test/twice:1', 'registry.test/twice:2'] }),
      build('unnamed', { names: ['registry.test/unnamed:1'] }),
    ]);
    if (!used || !pulled || !untagged || !twice || !unnamed) throw new Error('five images were imported');
    await node.runPod(used.id);
    const before = await node.imageIds();
    const removals = [
      'registry.test/pulled:1',
      `registry.test/moved@${untagged.digest}`,
      'registry.test/twice:1',
      'registry.test/used:1',
      'registry.test/absent:1',
      'registry.test/**',
    ];
    const result = await runClean(node, { removals, job: { images: { minAge: '7d', keepSideLoaded: true } } });
    expect(result.report?.references).toEqual({
      count: 6,
      indexes: { Removed: '0-1', 'Kept:NotIncluded': '2', InUse: '3', Absent: '4-5' },
    });
    await expectTold(result, node, before);
    await expectGone(node, [pulled, untagged]);
    await expectPresent(node, [twice, unnamed]);
    await expectIntact(node, [used]);
  });

  it('an image that a container in any state uses is kept, and the image of a container that no longer exists is removed (T2, C33)', async () => {
    const { node } = bench;
    await runSomething(node);
    const [running, created, gone] = await node.importRunnables([
      'registry.test/running:1',
      'registry.test/created:1',
      'registry.test/gone:1',
    ]);
    const [exited] = await node.importRunnables(['registry.test/exited:1'], ['true']);
    if (!running || !created || !gone || !exited) throw new Error('four images were imported');
    await node.runPod(running.id);
    await node.runPod(created.id, { created: true });
    await node.runPod(exited.id);
    await node.runPod(gone.id);
    const { containers } = JSON.parse(await node.crictl('ps', '-a', '-o', 'json'));
    const pod = containers.find(({ imageRef }: { imageRef: string }) => imageRef === gone.id).podSandboxId;
    await node.crictl('rmp', '-f', pod);
    expect((await runClean(node)).exitCode).toBe(0);
    await expectGone(node, [gone]);
    await expectIntact(node, [running, created, exited]);
  });
});

describeOnRuntimes(
  'a runtime that pins and mounts images',
  (bench) => {
    it('keeps images that are pinned by their label, and images that are mounted as volumes, which the list of containers does not show (T9, N2)', async () => {
      const { node } = bench;
      const [user] = await node.importRunnables(['registry.test/user:1']);
      const [byId, byName, pinned, unused] = await node.importImages(
        ['mounted-by-id', 'mounted-by-name', 'pinned', 'unused'].map((name) =>
          buildImageSpec({ names: [`registry.test/${name}:1`], layers: fillerLayers(name) }),
        ),
      );
      if (!user || !byId || !byName || !pinned || !unused) throw new Error('five images were imported');
      await node.runPod(user.id, { mountedImage: byId.id });
      await node.runPod(user.id, { mountedImage: 'registry.test/mounted-by-name:1' });
      await node.lone.ctr('images', 'label', 'registry.test/pinned:1', 'io.cri-containerd.pinned=pinned');
      const result = await runClean(node);
      expect([byId, byName, pinned].map(({ id }) => reasonOf(result, id))).toEqual(['InUse', 'InUse', 'Pinned']);
      await expectPresent(node, [user, byId, byName, pinned]);
      await expectGone(node, [unused]);
    });
  },
  { only: ['containerd-2'] },
);

describeOnRuntimes('orphans', (bench) => {
  it('images with only an ID are found, reported, and removed by it; those in use are kept (T12, T11, C33)', async () => {
    const { node } = bench;
    const names = ['registry.test/used:1', 'registry.test/first:1', 'registry.test/second:1'];
    const images = await node.importRunnables(names);
    const [used, ...orphans] = images;
    if (used === undefined) throw new Error('three images were imported');
    await node.runPod(used.id);
    await node.lone.ctr('images', 'rm', '--sync', ...images.flatMap(({ names }) => names));
    expect([...(await node.namelessImageIds())].sort()).toEqual(images.map(({ id }) => id).sort());

    const narrow = await runClean(node, { job: { images: { minAge: '0s', include: ['registry.test/**'] } } });
    expect(orphans.map(({ id }) => reasonOf(narrow, id))).toEqual(['NotIncluded', 'NotIncluded']);

    const result = await runClean(node);
    expect(result).toMatchObject({ exitCode: 0, report: { images: { removed: 2 } } });
    for (const { id } of orphans) {
      expect(result.images).toContainEqual(expect.objectContaining({ id, names: [], outcome: 'removed' }));
    }
    await expectGone(node, orphans);
    await expectIntact(node, [used]);
  });
});

function reasonOf({ images }: CleanResult, id: string): string | undefined {
  return images.find((image) => image.id === id)?.reason;
}
