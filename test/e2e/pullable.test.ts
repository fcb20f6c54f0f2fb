import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseReport } from '../../contract/report.ts';
import { waitFor } from '../cluster/wait.ts';
import { bundledProgram } from '../helpers/bundle.ts';
import { freePort } from '../helpers/free-port.ts';
import { useLists } from './lists.ts';
import { buildPolicy, namespace, waitForRun } from './objects.ts';

const deployment = 'deployment/nodesweep-scheduler';

describe.skipIf(process.env.KUBECONFIG !== undefined)('images that can be pulled again', () => {
  const bench = useLists('pullable');
  let directory: string;
  let scheduler: ReturnType<typeof startScheduler>;

  /** A scheduler on this machine, because the registry listens only here. */
  beforeAll(async () => {
    const { kubectl } = bench().installation;
    directory = await mkdtemp(join(tmpdir(), 'pullable-'));
    const image = await kubectl(
      'get',
      '-n',
      namespace,
      deployment,
      '-o',
      'jsonpath={.spec.template.spec.containers[0].image}',
    );
    await kubectl('scale', '-n', namespace, deployment, '--replicas=0');
    await kubectl(
      'wait',
      '-n',
      namespace,
      '--for=delete',
      '--timeout=120s',
      'pod',
      '-l',
      'app.kubernetes.io/component=scheduler',
    );
    await writeFile(join(directory, 'config.json'), bench().registry.dockerConfig);
    scheduler = startScheduler(image, await freePort());
    await bench().push(['there', 'gone', 'used']);
    await bench().applyLists('pullable-images', {
      lists: [bench().listOf('all', ['there', 'gone', 'used'])],
      hold: false,
    });
    expect(await waitForRun(kubectl, 'pullable-images')).toMatchObject({ phase: 'Succeeded' });
    await bench().deletePolicy('pullable-images');
    await waitFor('the containers of the pullers to be gone', 120_000, async () => (await areUnused()) || undefined);
  });
  afterAll(async () => {
    scheduler?.kill('SIGTERM');
    await scheduler;
    const { kubectl } = bench().installation;
    await bench().deletePolicy('pullable');
    await kubectl('scale', '-n', namespace, deployment, '--replicas=1');
    await kubectl('rollout', 'status', '-n', namespace, deployment, '--timeout=120s');
    await rm(directory, { recursive: true, force: true });
  });

  /** True if no container uses the images. */
  async function areUnused(): Promise<boolean> {
    const lists = await Promise.all(bench().cluster.nodes.map((node) => node.ctr('containers', 'ls')));
    return lists.every((list) => !list.includes('/pullable/'));
  }

  function startScheduler(image: string, port: number) {
    const secrets = join(directory, 'config.json');
    const env = {
      KUBECONFIG: bench().cluster.kubeconfig,
      NODESWEEP_NAMESPACE: namespace,
      NODESWEEP_IMAGE: image,
      NODESWEEP_SERVICE_ACCOUNT: 'nodesweep-cleaner',
      NODESWEEP_PORT: String(port),
      NODESWEEP_REGISTRY_CHECK: 'true',
      NODESWEEP_REGISTRY_SECRETS: secrets,
    };
    const log = { file: join(bench().cluster.directory, 'logs', 'pullable-scheduler.log') };
    return execa(process.execPath, [bundledProgram(), 'scheduler'], { reject: false, env, stdout: log, stderr: log });
  }

  it('are removed on all nodes, and those whose manifest the registry has lost stay, with the reason (S12)', async () => {
    const { installation, registry, cluster } = bench();
    const { kubectl, apply } = installation;
    const nodes = cluster.nodes.map(({ name }) => name);
    for (const node of nodes) expect(await bench().imagesOn(node)).toEqual(['gone', 'there', 'used']);
    await bench().deleteManifest('gone');
    const images = {
      include: [`${registry.address}/pullable/**`],
      exclude: ['**/used'],
      minAge: '0s',
      requirePullable: true,
    };
    await apply(buildPolicy('pullable', { schedule: '@yearly', images }, { 'nodesweep.io/run-at': 'now' }));
    const run = await waitForRun(kubectl, 'pullable');
    expect(run).toMatchObject({ phase: 'Succeeded', nodes: { succeeded: nodes.length, failed: 0 } });
    expect(run.images).toMatchObject({ removed: nodes.length, failed: 0 });
    for (const node of nodes) expect(await bench().imagesOn(node)).toEqual(['gone', 'used']);
    const reports = await reportsOf('pullable');
    expect(reports.map(({ candidates }) => candidates ?? 'none').sort()).toEqual([
      ...nodes.map(() => 2),
      ...nodes.map(() => 'none'),
    ]);
    for (const report of reports.filter(({ candidates }) => candidates === undefined))
      expect(report.keptByReason?.NotPullable?.images).toBe(1);
  });

  it('of which no registry has the manifest stay on one node with keepLastCopy, also in the next run (S12)', async () => {
    const { installation, cluster, registry } = bench();
    const { kubectl, apply } = installation;
    const images = { include: [`${registry.address}/pullable/gone`], minAge: '0s', keepLastCopy: true };
    const nodes = cluster.nodes.map(({ name }) => name);
    const runOnce = async (policy: string) => {
      await apply(buildPolicy(policy, { schedule: '@yearly', images }, { 'nodesweep.io/run-at': 'now' }));
      const run = await waitForRun(kubectl, policy);
      await bench().deletePolicy(policy);
      expect(run).toMatchObject({ phase: 'Succeeded', nodes: { succeeded: nodes.length, failed: 0 } });
      const lists = await Promise.all(nodes.map((node) => bench().imagesOn(node)));
      return lists.filter((list) => list.includes('gone')).length;
    };
    // A scheduler that has begun to lead a few minutes ago allows no such removal.
    let count = 0;
    const left = await waitFor('copies to be removed', 600_000, async () => {
      count += 1;
      const copies = await runOnce(`last-copy-${count}`);
      return copies < nodes.length ? copies : undefined;
    });
    expect(left).toBeGreaterThan(0);
    expect(await runOnce('last-copy-again')).toBe(1);
    expect(await runOnce('last-copy-for-ever')).toBe(1);
  }, 900_000);

  /** The reports of the ended pods of a policy. */
  async function reportsOf(policy: string) {
    const selector = `nodesweep.io/kind=cleaner,nodesweep.io/policy=${policy}`;
    const text = await bench().installation.kubectl('get', 'pods', '-n', namespace, '-l', selector, '-o', 'json');
    const { items } = JSON.parse(text) as { items: { status: { containerStatuses: Status[] } }[] };
    return items.flatMap(
      ({ status }) => parseReport(status.containerStatuses[0]?.state.terminated?.message ?? '') ?? [],
    );
  }
});

interface Status {
  readonly state: { readonly terminated?: { readonly message?: string } };
}
