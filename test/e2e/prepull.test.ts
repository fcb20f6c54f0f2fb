import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { PrepullDocument } from '../../scheduler/prepull/policy.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { findCrictl } from '../cluster/crictl.ts';
import { type PrivateRegistry, startPrivateRegistry } from '../cluster/registry.ts';
import { waitFor } from '../cluster/wait.ts';
import { buildImageSpec, fillerLayers } from '../helpers/images.ts';
import { searchPath } from '../helpers/test-node.ts';
import { type Installation, install, keepEvidence } from './installation.ts';
import { buildPolicy, getJson, namespace, readEvents, readRuns, waitForRun } from './objects.ts';

const secret = 'lists-registry';
const runNow = { 'nodesweep.io/run-at': 'now' };
/** A label that node-1 gets in the middle of a test, and node-2 has from its beginning. */
const pool = 'nodesweep.test/pool';

describe.skipIf(process.env.KUBECONFIG !== undefined)('image lists on real kubelets', () => {
  let installation: Installation;
  let cluster: Cluster;
  let registry: PrivateRegistry;

  beforeAll(async () => {
    installation = await install();
    if (installation.cluster === undefined) throw new Error('this needs a cluster whose nodes can be looked into');
    cluster = installation.cluster;
    registry = await startPrivateRegistry(cluster.directory);
    const names = [
      'everywhere-1',
      'everywhere-2',
      'pool',
      'cleaned',
      'unlisted',
      'beside',
      'stays',
      'leaves',
      'vanishes',
    ];
    await registry.push(
      names.map((name) => buildImageSpec({ names: [`lists/${name}:1`], layers: fillerLayers(`lists ${name}`) })),
    );
    await installation.apply({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: secret, namespace },
      type: 'kubernetes.io/dockerconfigjson',
      stringData: { '.dockerconfigjson': registry.dockerConfig },
    });
  });
  afterAll(async () => {
    await installation.kubectl('delete', 'secret', '-n', namespace, secret);
    await registry.stop();
  });
  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await keepEvidence(installation, task.name);
  });

  const nameOf = (image: string) => `${registry.address}/lists/${image}:1`;
  const listOf = (name: string, images: readonly string[], nodes?: PrepullDocument['lists'][number]['nodes']) => ({
    name,
    images: images.map(nameOf),
    imagePullSecrets: [{ name: secret }],
    ...(nodes && { nodes }),
  });
  /** The images of the registry on a node, by their short names. */
  const imagesOn = async (node: string) => {
    const listed = (await cluster.node(node).ctr('images', 'ls', '-q')).split('\n');
    const short = /\/lists\/([a-z0-9-]+):1$/;
    return [...new Set(listed.flatMap((name) => short.exec(name)?.[1] ?? []))].sort();
  };
  const readPullers = async (policy: string) =>
    (await getJson(installation.kubectl, 'pods', `nodesweep.io/kind=puller,nodesweep.io/policy=${policy}`)).items;
  const deletePolicy = (name: string) => installation.kubectl('delete', 'configmap', '-n', namespace, name);

  it('brings the images of each list to the nodes that it selects, and to a node that comes to match without waiting for a refresh; the finished pods stay past their TTL (P1, P2, P4, P9, P10)', async () => {
    const { kubectl, apply } = installation;
    await kubectl('label', 'node', 'node-2', `${pool}=ci`);
    const document = {
      schedule: '@yearly',
      ttlSecondsAfterFinished: 0,
      lists: [
        listOf('everywhere', ['everywhere-1', 'everywhere-2']),
        listOf('pool', ['pool'], { matchLabels: { [pool]: 'ci' } }),
      ],
    };
    await apply(buildPolicy('lists', document, runNow, 'prepull.yaml'));
    expect(await waitForRun(kubectl, 'lists')).toMatchObject({
      phase: 'Succeeded',
      nodes: { desired: 2, succeeded: 2 },
    });
    expect(await imagesOn('node-1')).toEqual(['everywhere-1', 'everywhere-2']);
    expect(await imagesOn('node-2')).toEqual(['everywhere-1', 'everywhere-2', 'pool']);

    await kubectl('label', 'node', 'node-1', `${pool}=ci`);
    await waitFor('the run for the node that has come to match', 60_000, async () => {
      const runs = await readRuns(kubectl, 'lists');
      return runs.some(({ trigger, phase }) => trigger.type === 'Nodes' && phase === 'Succeeded') || undefined;
    });
    expect(await imagesOn('node-1')).toEqual(['everywhere-1', 'everywhere-2', 'pool']);
    await waitFor('one finished pod on each node', 60_000, async () => {
      const pullers = await readPullers('lists');
      return pullers.length === 2 || undefined;
    });
    await deletePolicy('lists');
    await kubectl('label', 'node', 'node-1', 'node-2', `${pool}-`);
    await waitFor('the pods of the deleted policy to go', 60_000, async () =>
      (await readPullers('lists')).length === 0 ? true : undefined,
    );
  });

  it('reports the one image that the registry does not have, with its words, and holds the others (P2, P5, P7, P17)', async () => {
    const { kubectl, apply } = installation;
    const document = {
      schedule: '@yearly',
      imagePullTimeoutSeconds: 15,
      lists: [listOf('partly', ['beside', 'absent'], { matchLabels: { 'kubernetes.io/hostname': 'node-1' } })],
    };
    await apply(buildPolicy('partly', document, runNow, 'prepull.yaml'));
    const run = await waitForRun(kubectl, 'partly');
    expect(run).toMatchObject({
      phase: 'Failed',
      outcome: 'PartiallyFailed',
      nodes: { desired: 1, failed: 1 },
      problems: [{ node: 'node-1', reason: 'NotFound', message: expect.stringContaining(nameOf('absent')) }],
    });
    expect(await imagesOn('node-1')).toContain('beside');
    const pullers = await waitFor('the pod that holds the other image', 60_000, async () => {
      const found = await readPullers('partly');
      return found.length === 1 ? found : undefined;
    });
    expect(pullers).toMatchObject([{ status: { phase: 'Succeeded' } }]);
    await deletePolicy('partly');
  });

  it('keeps from a cleaning policy what a list wants on the node, whatever its filters say, and also while the list is invalid; without the list it goes (P11)', async () => {
    const { kubectl, apply } = installation;
    const lists = [listOf('kept', ['cleaned'])];
    const kept = { schedule: '@yearly', hold: false, ttlSecondsAfterFinished: 0, lists };
    await apply(buildPolicy('kept', kept, runNow, 'prepull.yaml'));
    await waitForRun(kubectl, 'kept');
    const other = { ...kept, lists: [listOf('kept', ['unlisted'])] };
    await apply(buildPolicy('other', other, runNow, 'prepull.yaml'));
    await waitForRun(kubectl, 'other');
    await deletePolicy('other');
    await waitFor('the pods that used the images to go', 120_000, async () => {
      const pods = [...(await readPullers('kept')), ...(await readPullers('other'))];
      return pods.length === 0 || undefined;
    });
    await apply(buildPolicy('kept', { ...kept, lists: [] }, runNow, 'prepull.yaml'));
    const cleanup = {
      schedule: '@yearly',
      images: { include: [`${registry.address}/lists/**`], minAge: '0s' },
    };
    // The kubelet removes the containers of a deleted pod within about a minute. Until then they use their image.
    await waitFor('a run that removes the image of the deleted list', 240_000, async () => {
      await apply(buildPolicy('cleaner-beside', cleanup, { 'nodesweep.io/run-at': String(Date.now()) }));
      await waitForRun(kubectl, 'cleaner-beside');
      await new Promise((resolve) => setTimeout(resolve, 10_000));
      const left = await Promise.all(['node-1', 'node-2'].map(imagesOn));
      return left.every((images) => !images.includes('unlisted')) || undefined;
    });
    expect(await imagesOn('node-1')).toContain('cleaned');
    expect(await imagesOn('node-2')).toContain('cleaned');
    await deletePolicy('kept');
    await deletePolicy('cleaner-beside');
  });

  it('tells once of an image that somebody removes between the runs, as the kubelet reports that it pulled it again (P10)', async () => {
    const { kubectl, apply } = installation;
    // Events stay for a while: those of an earlier policy must not count.
    const policy = `vanishing-${Date.now()}`;
    const { path: crictl } = await findCrictl(cluster.directory);
    const endpoint = `unix://${cluster.node('node-1').socket}`;
    const list = listOf('vanishing', ['vanishes', 'stays'], { matchLabels: { 'kubernetes.io/hostname': 'node-1' } });
    const document = {
      schedule: '@yearly',
      hold: false,
      removalPolicy: 'Retain',
      successfulRunsHistoryLimit: 20,
      lists: [list],
    };
    const told = async () => (await readEvents(kubectl, policy)).filter(({ reason }) => reason === 'KeepsDisappearing');
    const runAndRemove = async (request: number) => {
      await apply(buildPolicy(policy, document, { 'nodesweep.io/run-at': String(request) }, 'prepull.yaml'));
      await waitFor(`run ${request}`, 240_000, async () => {
        const runs = await readRuns(kubectl, policy);
        return runs.filter(({ phase }) => phase === 'Succeeded').length >= request || undefined;
      });
      await execa(crictl, ['-t', '60s', '-r', endpoint, '-i', endpoint, 'rmi', nameOf('vanishes')], {
        env: { PATH: searchPath },
      });
    };
    let requests = 0;
    // The kubelet may write an Event too late for the scheduler to see it.
    while (requests < 10 && (await told()).length === 0) await runAndRemove(++requests);
    expect(requests).toBeGreaterThanOrEqual(3);
    await runAndRemove(++requests);
    expect(await told()).toEqual([
      expect.objectContaining({
        message: expect.stringMatching(`^${nameOf('vanishes')} keeps disappearing from node node-1: 2 runs in a row`),
      }),
    ]);
    await deletePolicy(policy);
  });

  /** True for each node that has the image. The images of the policies of other tests may go at any time. */
  const haveImage = async (image: string) =>
    (await Promise.all(['node-1', 'node-2'].map(imagesOn))).map((images) => images.includes(image));

  it('removes from the nodes the image that has left its list, and not the one that stays there (P12)', async () => {
    const { kubectl, apply } = installation;
    const document = (images: readonly string[]) => ({ schedule: '@yearly', lists: [listOf('shrinking', images)] });
    await apply(buildPolicy('shrinking', document(['stays', 'leaves']), runNow, 'prepull.yaml'));
    await waitForRun(kubectl, 'shrinking');
    expect(await haveImage('leaves')).toEqual([true, true]);

    const request = { 'nodesweep.io/run-at': 'after the edit' };
    await apply(buildPolicy('shrinking', document(['stays']), request, 'prepull.yaml'));
    await waitFor('the refresh that removes the image', 240_000, async () => {
      const runs = await readRuns(kubectl, 'shrinking');
      return runs.filter(({ phase }) => phase === 'Succeeded').length === 2 || undefined;
    });
    expect(await haveImage('leaves')).toEqual([false, false]);
    expect(await haveImage('stays')).toEqual([true, true]);
  });

  it('removes the images of a policy that is deleted, and then its own account of them (P14)', async () => {
    const { kubectl } = installation;
    await deletePolicy('shrinking');
    await waitFor('the account of the policy to go', 240_000, async () => {
      const left = await getJson(kubectl, 'configmaps,pods', 'nodesweep.io/policy=shrinking');
      return left.items.length === 0 || undefined;
    });
    expect(await haveImage('stays')).toEqual([false, false]);
  });

  it('removes the images of a policy on request, and pulls none until a run is requested (P15)', async () => {
    const { kubectl, apply } = installation;
    const document = { schedule: '* * * * *', lists: [listOf('purged', ['stays'])] };
    await apply(buildPolicy('purged', document, runNow, 'prepull.yaml'));
    await waitForRun(kubectl, 'purged');
    expect(await haveImage('stays')).toEqual([true, true]);
    await apply(buildPolicy('purged', document, { 'nodesweep.io/purge-at': 'now' }, 'prepull.yaml'));
    await waitFor('the purge', 240_000, async () => {
      const runs = await readRuns(kubectl, 'purged');
      return runs.some(({ trigger, phase }) => trigger.type === 'Purge' && phase === 'Succeeded') || undefined;
    });
    expect(await haveImage('stays')).toEqual([false, false]);
    // A scheduled time passes.
    await new Promise((resolve) => setTimeout(resolve, 65_000));
    expect(await haveImage('stays')).toEqual([false, false]);
    await deletePolicy('purged');
  });

  /** The digests under which a node has versions of an image, with or without a tag. */
  const versionsOn = async (node: string, image: string) => {
    const listed = (await cluster.node(node).ctr('images', 'ls', '-q')).split('\n');
    const digest = new RegExp(`/lists/${image}@(sha256:[0-9a-f]{64})$`);
    return [...new Set(listed.flatMap((name) => digest.exec(name)?.[1] ?? []))];
  };
  const pushVersion = async (image: string, content: string) => {
    const [pushed] = await registry.push([
      buildImageSpec({ names: [`lists/${image}:1`], layers: fillerLayers(content) }),
    ]);
    return pushed?.digest ?? '';
  };
  const countRuns = async (policy: string, phase: string) =>
    (await readRuns(installation.kubectl, policy)).filter((run) => run.phase === phase).length;
  const moving = (request: string) =>
    buildPolicy(
      'moving',
      {
        schedule: '@yearly',
        imagePullTimeoutSeconds: 15,
        ttlSecondsAfterFinished: 0,
        lists: [{ ...listOf('moving', ['moving', 'beside']), imagePullPolicy: 'Always' }],
      },
      { 'nodesweep.io/run-at': request },
      'prepull.yaml',
    );

  it('removes from each node what a tag meant before, once the refresh has found that it has moved (P8)', async () => {
    const { kubectl, apply } = installation;
    const before = await pushVersion('moving', 'before the move');
    await apply(moving('first'));
    await waitFor('the images', 240_000, async () => (await countRuns('moving', 'Succeeded')) === 1 || undefined);
    for (const node of ['node-1', 'node-2']) expect(await versionsOn(node, 'moving')).toEqual([before]);

    const after = await pushVersion('moving', 'after the move');
    await apply(moving('second'));
    await waitFor('the refresh that removes the version before', 300_000, async () => {
      return (await countRuns('moving', 'Succeeded')) === 2 || undefined;
    });
    for (const node of ['node-1', 'node-2']) expect(await versionsOn(node, 'moving')).toEqual([after]);
    const pullers = await waitFor('one finished pod on each node', 120_000, async () => {
      const found = await readPullers('moving');
      return found.length === 2 ? found : undefined;
    });
    expect(pullers).toMatchObject([{ status: { phase: 'Succeeded' } }, { status: { phase: 'Succeeded' } }]);
    expect(await kubectl('get', 'configmap', '-n', namespace, 'moving.status', '-o', 'yaml')).toContain('AllPresent');
  });

  it('while the registry is down, the images are stale, are held by new pods, and nothing is removed (P7, P8, P10)', async () => {
    const { kubectl, apply } = installation;
    const versions = await versionsOn('node-1', 'moving');
    const before = await readPullers('moving');
    await registry.stop();
    onTestFinished(() => registry.start());
    await apply(moving('third'));
    const run = await waitFor('the run without a registry', 300_000, async () => {
      const runs = await readRuns(kubectl, 'moving');
      return runs.find(({ phase }) => phase === 'Failed');
    });
    expect(run).toMatchObject({
      nodes: { desired: 2, failed: 2 },
      images: { wanted: 4, present: 0, failed: 0, stale: 4 },
      problems: ['node-1', 'node-2'].map((node) => ({
        node,
        reason: 'ImagesStale',
        message: expect.stringContaining('RegistryUnavailable'),
      })),
    });
    for (const node of ['node-1', 'node-2']) {
      expect(await versionsOn(node, 'moving')).toEqual(versions);
      expect(await imagesOn(node)).toEqual(expect.arrayContaining(['moving', 'beside']));
    }
    const names = before.map(({ metadata }) => metadata.name);
    const pullers = await waitFor('the pods before to go', 120_000, async () => {
      const found = await readPullers('moving');
      return found.every(({ metadata }) => !names.includes(metadata.name)) ? found : undefined;
    });
    expect(pullers).toMatchObject([{ status: { phase: 'Succeeded' } }, { status: { phase: 'Succeeded' } }]);
    expect(await kubectl('get', 'configmap', '-n', namespace, 'moving.status', '-o', 'yaml')).toContain('ImagesStale');
    await deletePolicy('moving');
  });
});
