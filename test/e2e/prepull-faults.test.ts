import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { BareApi } from '../cluster/api.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildImageSpec, fillerLayers } from '../helpers/images.ts';
import { startRegistry } from '../helpers/registry.ts';
import { buildDockerSecret, nodeNamed, runNow, useLists } from './lists.ts';
import { namespace, readRuns, waitForRun } from './objects.ts';
import { PodLedger } from './pod-ledger.ts';
import { killScheduler } from './scheduler-pod.ts';

describe.skipIf(process.env.KUBECONFIG !== undefined)('image lists on real kubelets, when something goes wrong', () => {
  const bench = useLists('faults');

  it('one image among twenty that the Secret is not for is the only one that is missing; it is shown once with the words of the registry, and the command that waits for the run fails (P2, P4, P5, P7)', async () => {
    const { installation, registry } = bench();
    const open = Array.from({ length: 19 }, (_, index) => `open/image-${index}`);
    await bench().push([...open, 'closed']);
    await installation.apply(buildDockerSecret('for-some', registry.dockerConfigBelow('faults/open')));
    onTestFinished(async () => {
      await bench().deletePolicy('twenty');
      await installation.kubectl('delete', 'secret', '-n', namespace, 'for-some');
    });
    const list = bench().listOf('twenty', [...open, 'closed'], { imagePullSecrets: [{ name: 'for-some' }] });
    const document = { lists: [list], imagePullTimeoutSeconds: 20, rollout: { parallelism: '100%' } };
    await bench().applyLists('twenty', document, {});

    const { exitCode, stdout } = await bench().nodesweep('run', 'twenty', '--follow');
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/38 of 40 images present/);
    const closed = bench().nameOf('closed');
    for (const node of ['node-1', 'node-2']) expect(await bench().imagesOn(node)).toEqual([...open].sort());
    const run = await waitForRun(installation.kubectl, 'twenty');
    expect(run).toMatchObject({ phase: 'Failed', nodes: { desired: 2, failed: 2 } });
    expect(run.problems).toMatchObject(
      ['node-1', 'node-2'].map((node) => ({ node, reason: 'Unauthorized', message: expect.stringContaining(closed) })),
    );
    const status = (await bench().nodesweep('status', 'twenty')).stdout.split('\n');
    const failures = status.filter((line) => line.startsWith(closed) && line.includes('Unauthorized'));
    expect(failures).toEqual([
      expect.stringMatching(
        /2 nodes Unauthorized: .*(?:authorization|unauthorized|access denied|credentials).*\(node-1, node-2\)$/i,
      ),
    ]);
  });

  it('a scheduler that is killed twice while images are pulled continues the run: one run, one pod on each node, every image there (P19)', async () => {
    const { installation, cluster } = bench();
    const directory = await mkdtemp(join(tmpdir(), 'slow-registry-'));
    const images = Array.from({ length: 10 }, (_, index) => `killed/image-${index}:1`);
    const slow = await startRegistry(
      images.map((name) => buildImageSpec({ names: [name], layers: fillerLayers(name) })),
      directory,
    );
    const api = await BareApi.open(cluster.kubeconfig);
    const ledger = await PodLedger.open(api);
    onTestFinished(async () => {
      await bench().deletePolicy('killed-lists');
      ledger.close();
      api.close();
      await slow.stop();
      await rm(directory, { recursive: true });
    });
    const held = await slow.holdLastLayer(images[5] ?? '');
    const references = images.map((image) => `${slow.address}/${image}`);
    const lists = [{ name: 'all', images: references }];
    await bench().applyLists('killed-lists', { lists, rollout: { parallelism: 1 } });
    await held.asked;
    await killScheduler(installation);
    await sleep(1_000);
    held.release();
    const podsOf = async () => {
      const [run] = await readRuns(installation.kubectl, 'killed-lists');
      return run === undefined ? [] : ledger.nodesOf(run.run);
    };
    await waitFor('the pod on the other node', 180_000, async () => (await podsOf()).length === 2 || undefined);
    await killScheduler(installation);
    const run = await waitForRun(installation.kubectl, 'killed-lists', 240_000);
    expect(run).toMatchObject({ phase: 'Succeeded', nodes: { desired: 2, succeeded: 2 } });
    expect(await readRuns(installation.kubectl, 'killed-lists')).toHaveLength(1);
    expect(await podsOf()).toEqual(['node-1', 'node-2']);
    expect(ledger.violations).toEqual([]);
    for (const node of cluster.nodes) {
      const listed = (await node.ctr('images', 'ls', '-q')).split('\n');
      expect(listed).toEqual(expect.arrayContaining(references));
    }
  });

  it('a held pod that somebody deletes is replaced once, and not again (P10)', async () => {
    const { installation } = bench();
    await bench().push(['replaced']);
    onTestFinished(() => bench().deletePolicy('replaced'));
    const lists = [bench().listOf('one', ['replaced'], { nodes: nodeNamed('node-2') })];
    // The first run over all nodes was requested; the other ones are repairs.
    await bench().applyLists('replaced', { lists, newNodes: true }, { ...runNow });
    await waitForRun(installation.kubectl, 'replaced');
    const repairs = async () =>
      (await readRuns(installation.kubectl, 'replaced')).filter(({ trigger }) => trigger.type === 'Nodes');
    for (let time = 1; time <= 2; time += 1) {
      const [pod] = await waitFor('one held pod', 60_000, async () => {
        const pods = (await bench().pullersOf('replaced')).filter(({ status }) => status?.phase === 'Succeeded');
        return pods.length === 1 ? pods : undefined;
      });
      await installation.kubectl('delete', 'pod', '-n', namespace, pod?.metadata.name ?? '', '--wait=true');
      if (time === 2) break;
      await waitFor('the run that replaces it', 60_000, async () => {
        const runs = await repairs();
        return runs.some(({ phase }) => phase === 'Succeeded') || undefined;
      });
    }
    await sleep(15_000);
    expect(await repairs()).toHaveLength(1);
    expect(await bench().pullersOf('replaced')).toEqual([]);
    expect(await bench().imagesOn('node-2')).toContain('replaced');
  });
});
