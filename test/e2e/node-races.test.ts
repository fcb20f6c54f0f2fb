import { expect, it, onTestFinished } from 'vitest';
import { buildImageSpec, buildImageSpecs, buildRunnableImageSpec, fillerLayers } from '../helpers/images.ts';
import { startRegistry } from '../helpers/registry.ts';
import { runClean, runGated } from './node-clean.ts';
import { describeOnRuntimes } from './node-describe.ts';
import { expectGone, expectIntact, expectPresent, expectTold } from './node-expect.ts';

describeOnRuntimes('a node on which other processes work', (bench) => {
  it('a container that starts between plan and removal keeps its image (T17, C34)', async () => {
    const { node } = bench;
    const unused = await node.importImages(buildImageSpecs('registry.test/unused', 5));
    const late = await node.importRunnables(['registry.test/running:1', 'registry.test/created:1']);
    const before = await node.imageIds();
    const result = await runGated(node, {
      before: async ({ command, nth }) => {
        if (command !== 'ps' || nth !== 1) return undefined;
        await node.runPod(late[0]?.id);
        await node.runPod(late[1]?.names[0], { created: true });
        return undefined;
      },
    });
    expect(result).toMatchObject({ exitCode: 0, report: { images: { removed: 5, skipped: 2 } } });
    const skipped = result.images.filter(({ outcome }) => outcome === 'skipped');
    expect(skipped.map(({ id, reason }) => ({ id, reason }))).toEqual(
      expect.arrayContaining(late.map(({ id }) => ({ id, reason: 'InUse' }))),
    );
    await expectTold(result, node, before);
    await expectGone(node, unused);
    await expectIntact(node, late);
  });

  it('a container that starts at the moment of the removal continues, because it has its own files (T17)', async () => {
    const { node } = bench;
    const [late, other] = await node.importRunnables(['registry.test/late:1', 'registry.test/other:1']);
    await node.runPod(other?.id);
    let container = '';
    const result = await runGated(node, {
      before: async ({ command }) => {
        if (command === 'rmi') container = await node.runPod(late?.id);
        return undefined;
      },
    });
    expect(result.exitCode).toBe(0);
    const { status } = JSON.parse(await node.crictl('inspect', '-o', 'json', container));
    expect(status.state).toBe('CONTAINER_RUNNING');
    // It is the user of an image that is not there any more: that must not stop later runs.
    const [junk] = await node.importImages(buildImageSpecs('registry.test/unused', 1));
    expect(await runClean(node)).toMatchObject({ exitCode: 0, report: { images: { removed: 1 } } });
    await expectGone(node, junk ? [junk] : []);
  });

  it('a pod whose container is not created yet keeps its image, as the job names it (T18, C34)', async () => {
    const { node } = bench;
    const [running] = await node.importRunnables(['registry.test/running:1']);
    await node.runPod(running?.id);
    const [starting, digested] = await node.importImages([
      await buildRunnableImageSpec('registry.test/starting:1', node.lone.program),
      buildImageSpec({ digestRepositories: ['registry.test/digested'], layers: fillerLayers('digested') }),
    ]);
    if (starting === undefined || digested === undefined) throw new Error('two images were imported');
    await node.runPod();
    const job = { startingReferences: ['registry.test/starting:1', `registry.test/digested@${digested.digest}`] };
    const result = await runClean(node, { job });
    expect(
      result.images
        .filter(({ reason }) => reason === 'Starting')
        .map(({ id }) => id)
        .sort(),
    ).toEqual([starting.id, digested.id].sort());
    await expectIntact(node, [starting]);
    await expectPresent(node, [digested]);
  });

  it('a pull in progress succeeds although an image with the same layers is removed meanwhile (T18)', async () => {
    const { node } = bench;
    const shared = fillerLayers('shared', { layers: 3, filesPerLayer: 40, bytesPerFile: 100 });
    const runnable = await buildRunnableImageSpec('pulled:1', node.lone.program);
    const registry = await startRegistry([{ ...runnable, layers: [...shared, ...runnable.layers] }], node.scratch);
    onTestFinished(() => registry.stop());
    const [old] = await node.importImages([buildImageSpec({ names: ['registry.test/old:1'], layers: shared })]);
    const name = `${registry.address}/pulled:1`;

    const last = await registry.holdLastLayer('pulled:1');
    const pulling = node.crictl('pull', name);
    await last.asked;
    expect(await runClean(node)).toMatchObject({ exitCode: 0, report: { images: { removed: 1 } } });
    last.release();
    await pulling;
    await expectGone(node, old ? [old] : []);
    const [pulled] = registry.images;
    await expectIntact(node, pulled ? [pulled] : []);
  });

  it('two cleaners with different policies, and another process that removes images, agree on the removed images, and keep the used ones (T24, T15, C33, N4)', async () => {
    const { node } = bench;
    const mine = await node.importImages(buildImageSpecs('registry.test/mine', 60));
    const yours = await node.importImages(buildImageSpecs('registry.test/yours', 20));
    const [used, kept] = await node.importRunnables(['registry.test/used:1', 'registry.test/kept:1']);
    if (used === undefined || kept === undefined) throw new Error('two images were imported');
    await node.runPod(used.id);
    const images = { minAge: '0s', exclude: ['**/kept'] };
    const collected = mine.filter((_image, index) => index % 5 === 0);

    const [all, some] = await Promise.all([
      runClean(node, { job: { policy: 'all', images } }),
      runClean(node, { job: { policy: 'some', images: { ...images, include: ['**/mine-*'] } } }),
      // As the kubelet does: one after the other, by ID.
      (async () => {
        for (const { id } of collected) await node.crictl('rmi', id).catch(() => {});
      })(),
    ]);
    for (const result of [all, some]) {
      expect(result).toMatchObject({
        exitCode: 0,
        report: { outcome: 'Succeeded', images: { failed: 0, unknown: 0 } },
      });
    }
    await expectGone(node, [...mine, ...yours]);
    await expectIntact(node, [used, kept]);

    // None of the three keeps a record of an image that makes it an old one when it comes back.
    const back = await node.importImages(buildImageSpecs('registry.test/yours', 20));
    const next = await runClean(node, { job: { images: { minAge: '1h' } } });
    expect(next.images.filter(({ reason }) => reason === 'TooYoung').map(({ id }) => id)).toEqual(
      expect.arrayContaining(back.map(({ id }) => id)),
    );
  });
});
