import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { waitFor } from '../cluster/wait.ts';
import { nodeNamed, useLists } from './lists.ts';
import { namespace, readEvents, readRuns } from './objects.ts';

const overlay = join(import.meta.dirname, '../../manifests/overlays/startup-taint');
const startup = { key: 'nodesweep.io/prepull', value: 'pending', effect: 'NoSchedule' };
const foreign = { key: 'nodesweep.test/startup', value: 'stays', effect: 'NoSchedule' };
/** The node that joins again and again. */
const node = 'node-2';
const scheduler = `system:serviceaccount:${namespace}:nodesweep-scheduler`;

describe.skipIf(process.env.KUBECONFIG !== undefined)('nodes that register with the startup taint', () => {
  const lists = useLists('startup');
  const kubectl = (...args: readonly string[]) => lists().installation.kubectl(...args);

  beforeAll(async () => {
    await lists().push(['there']);
    await moveScheduler();
  });
  afterAll(async () => {
    await kubectl('delete', 'configmap', '-n', namespace, 'starting', 'failing', '--ignore-not-found');
    await kubectl('delete', '-k', overlay, '--ignore-not-found');
    await kubectl('taint', 'node', node, `${startup.key}-`, `${foreign.key}-`).catch(() => {});
  });

  /** The scheduler must not be on the node that leaves. */
  async function moveScheduler(): Promise<void> {
    await kubectl('cordon', node);
    const selector = ['-n', namespace, '-l', 'app.kubernetes.io/component=scheduler'];
    const found = JSON.parse(await kubectl('get', 'pods', ...selector, '-o', 'json'));
    for (const { metadata, spec } of found.items)
      if (spec.nodeName === node) await kubectl('delete', 'pod', '-n', namespace, metadata.name);
    await kubectl('rollout', 'status', '-n', namespace, 'deployment/nodesweep-scheduler', '--timeout=120s');
    await kubectl('uncordon', node);
  }

  /** The node leaves the cluster, and its kubelet registers it again with these taints. */
  async function joinAgain(...taints: readonly (typeof startup)[]): Promise<void> {
    await lists().cluster.node(node).stopKubelet();
    await kubectl('delete', 'node', node);
    await lists().cluster.node(node).startKubelet({ registerWithTaints: taints });
    await waitFor('the node to register', 120_000, () => kubectl('get', 'node', node));
    await kubectl('wait', '--for=condition=Ready', '--timeout=180s', `node/${node}`);
  }

  /** The keys of the taints of the node that are in question here. */
  async function readTaints(): Promise<readonly string[]> {
    const { spec } = JSON.parse(await kubectl('get', 'node', node, '-o', 'json'));
    const keys: readonly string[] = (spec.taints ?? []).map(({ key }: { key: string }) => key);
    return keys.filter((key) => key === startup.key || key === foreign.key).sort();
  }

  async function applyPolicy(name: string, image: string, timeoutSeconds: number): Promise<void> {
    const list = lists().listOf('startup', [image], { nodes: nodeNamed(node) });
    const document = { startupTaint: { timeoutSeconds }, newNodes: true, removalPolicy: 'Delete', lists: [list] };
    await lists().applyLists(name, document, {});
  }

  async function readReadiness(policy: string): Promise<{ readonly status: string; readonly message: string }> {
    const map = await kubectl('get', 'configmap', '-n', namespace, `${policy}.status`, '-o', 'json');
    const { conditions } = parse(JSON.parse(map).data['status.yaml']);
    return conditions.find(({ type }: { type: string }) => type === 'Ready');
  }

  it('keep it without the overlay, get their images, and lose it and no other taint when the overlay is installed (P22)', async () => {
    await joinAgain(foreign, startup);
    await applyPolicy('starting', 'there', 3_600);
    const readiness = await waitFor('the policy to say what is missing', 120_000, async () => {
      const found = await readReadiness('starting');
      return found.status === 'False' ? found : undefined;
    });
    expect(readiness.message).toContain('apply manifests/overlays/startup-taint');
    await waitFor('the images', 180_000, async () => {
      const runs = await readRuns(kubectl, 'starting');
      return runs.some(({ phase }) => phase === 'Succeeded') || undefined;
    });
    const events = await readEvents(kubectl, 'starting');
    expect(events.filter(({ message }) => message.includes('manifests/overlays/startup-taint'))).toHaveLength(1);
    expect(await readTaints()).toEqual([startup.key, foreign.key].sort());

    await kubectl('apply', '-k', overlay);
    await waitFor(
      'the taint to go',
      180_000,
      async () => (await readTaints()).includes(startup.key) === false || undefined,
    );
    expect(await readTaints()).toEqual([foreign.key]);
    await waitFor('the policy to be ready', 180_000, async () =>
      (await readReadiness('starting')).status === 'True' ? true : undefined,
    );
  });

  it('lose it by the timeout if an image is missing, and an Event tells it (P22)', async () => {
    await applyPolicy('failing', 'absent', 3_600);
    await joinAgain(startup);
    await waitFor('a failed pull', 180_000, async () => {
      const runs = await readRuns(kubectl, 'failing');
      return runs.length > 0 || undefined;
    });
    expect(await readTaints()).toEqual([startup.key]);
    await applyPolicy('failing', 'absent', 1);
    await waitFor('the taint to go', 180_000, async () => (await readTaints()).length === 0 || undefined);
    const event = await waitFor('the Event', 60_000, async () =>
      (await readEvents(kubectl, 'failing')).find(({ reason }) => reason === 'StartupTaintTimedOut'),
    );
    expect(event.message).toContain(`${node} lost the startup taint`);
    expect(event.message).toContain('/startup/absent:1');
  });

  it('change in no other way by the right of the overlay, because its guard refuses that (P22)', async () => {
    await kubectl('taint', 'node', node, `${foreign.key}=${foreign.value}:${foreign.effect}`);
    const patch = (operations: readonly object[]) =>
      kubectl('patch', 'node', node, '--type=json', '-p', JSON.stringify(operations), `--as=${scheduler}`);
    const forbidden = [
      { op: 'remove', path: '/spec/taints' },
      { op: 'add', path: '/spec/unschedulable', value: true },
      { op: 'add', path: '/metadata/labels/nodesweep.test~1label', value: 'x' },
      { op: 'add', path: '/metadata/annotations/nodesweep.test~1annotation', value: 'x' },
    ];
    for (const operation of forbidden) await expect(patch([operation])).rejects.toThrow(/nodesweep may (only|not)/);
    expect(await readTaints()).toEqual([foreign.key]);
    await kubectl('taint', 'node', node, `${foreign.key}-`);
  });
});
