import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { waitFor } from '../cluster/wait.ts';
import { buildImageSpecs, writeImages } from '../helpers/images.ts';
import { readImageNames } from './images.ts';
import { useLists } from './lists.ts';
import { waitForRun } from './objects.ts';

/**
 * With these ages the kubelet collects at its start whatever it takes for unused. Otherwise it first does so after five minutes,
 * because it does not know the usage of the disk before.
 * @see https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/images/image_gc_manager.go `freeOldImages`
 */
const collectsAll = { imageMinimumGCAge: '1ns', imageMaximumGCAge: '2ns' };

describe.skipIf(process.env.KUBECONFIG !== undefined)('the garbage collection of real kubelets', () => {
  const bench = useLists('collected');

  it('takes the unused images of both nodes, and leaves those that a finished pod holds (P10)', async () => {
    const { installation, cluster, restartKubelet } = bench();
    const { nodes, directory } = cluster;
    const images = ['held-1', 'held-2'];
    await bench().push(images);
    await bench().applyLists('held', { lists: [bench().listOf('held', images)] });
    onTestFinished(() => bench().deletePolicy('held'));
    expect(await waitForRun(installation.kubectl, 'held')).toMatchObject({
      phase: 'Succeeded',
      nodes: { desired: 2, succeeded: 2 },
    });
    const work = await mkdtemp(join(tmpdir(), 'loose-images-'));
    onTestFinished(() => rm(work, { recursive: true }));
    const tar = join(work, 'loose.tar');
    const loose = await writeImages(tar, buildImageSpecs('registry.test/loose', 3));
    for (const node of nodes) await node.importImages(tar, loose);
    onTestFinished(async () => {
      for (const node of nodes) {
        // The image of the sandboxes is unused for the kubelet, and not every runtime pins it.
        await node.importImages(join(directory, 'pause.tar'));
        await restartKubelet(node.name);
      }
    });

    for (const node of nodes) await restartKubelet(node.name, collectsAll);
    await waitFor('the unused images to be collected on both nodes', 120_000, async () => {
      const names = await Promise.all(nodes.map(readImageNames));
      return names.flat().every((name) => !name.startsWith('registry.test/loose')) || undefined;
    });
    // The kubelet may not be at the end of its images.
    await sleep(3_000);
    for (const { name } of nodes) expect(await bench().imagesOn(name)).toEqual(images);
    expect(await bench().pullersOf('held')).toMatchObject(nodes.map(() => ({ status: { phase: 'Succeeded' } })));
  });
});
