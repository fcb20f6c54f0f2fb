import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheDirectory } from '../../cluster/cache.ts';
import { type Cluster, startCluster } from '../../cluster/cluster.ts';
import { bringProductImage } from '../../cluster/product.ts';
import { waitFor } from '../../cluster/wait.ts';
import { namespace, readRuns } from '../objects.ts';
import { chart, helm, manifests } from './helm.ts';

/** Objects of the chart, of all kinds that it has by default or gets in these tests. */
const kinds = [
  'deployments,serviceaccounts,roles,rolebindings,networkpolicies,resourcequotas,poddisruptionbudgets,services,configmaps',
  'clusterroles,clusterrolebindings,priorityclasses,validatingadmissionpolicies,validatingadmissionpolicybindings',
].join(',');

describe.skipIf(process.env.KUBECONFIG !== undefined)('the chart on a cluster', () => {
  let cluster: Cluster;

  beforeAll(async () => {
    const directory = join(cacheDirectory(), 'e2e-chart');
    cluster = await startCluster({ directory, nodes: [{ name: 'chart-1', runtime: 'containerd-2' }] });
    await bringProductImage(cluster);
  });
  afterAll(() => cluster?.stop());

  const run = (command: string, ...flags: readonly string[]) =>
    helm(command, 'nodesweep', '--namespace', namespace, '--kubeconfig', cluster.kubeconfig, ...flags);
  const upgrade = (values: object) => {
    const set = Object.entries(values).map(([path, value]) => `${path}=${JSON.stringify(value)}`);
    return run('upgrade', chart, '--wait', '--timeout', '300s', ...set.flatMap((pair) => ['--set-json', pair]));
  };
  const names = async (...selector: readonly string[]) =>
    (await cluster.kubectl('get', kinds, '-A', '-o', 'name', ...selector)).split('\n').filter((name) => name !== '');
  const ofRelease = () => names('-l', 'app.kubernetes.io/instance=nodesweep');

  it('asks for the labels of a namespace that does not have them', async () => {
    await cluster.kubectl('create', 'namespace', 'unlabelled');
    const flags = ['--namespace', 'unlabelled', '--kubeconfig', cluster.kubeconfig, '--dry-run=server'];
    const notes = await helm('install', 'nodesweep', chart, ...flags);
    expect(notes).toContain('kubectl label namespace unlabelled pod-security.kubernetes.io/');
  });

  it('is installed, and its example policy decides on the nodes', async () => {
    await cluster.kubectl('apply', '-f', join(manifests, 'base/namespace.yaml'));
    const notes = await run('install', chart, '--wait', '--timeout', '300s');
    expect(notes).toContain(`nodesweep run -n ${namespace} example --follow`);
    expect(notes).not.toContain('kubectl label namespace');
    await cluster.kubectl('annotate', '-n', namespace, 'configmap', 'example', 'nodesweep.io/run-at=now');
    const ended = await waitFor('the run', 180_000, async () =>
      (await readRuns(cluster.kubectl, 'example')).find(({ phase }) => phase === 'Succeeded'),
    );
    expect(ended).toMatchObject({ nodes: { desired: 1, succeeded: 1 }, images: { removed: 0 } });
  });

  it('is upgraded to two replicas, another policy and the startup taint', async () => {
    await upgrade({
      'scheduler.replicas': 2,
      'startupTaint.enabled': true,
      'service.enabled': true,
      'policies.nightly': { cleanup: { schedule: '0 3 * * *', images: { maxUnusedAge: '14d' } } },
    });
    const path = 'jsonpath={.status.readyReplicas}';
    expect(await cluster.kubectl('get', '-n', namespace, 'deployment/nodesweep-scheduler', '-o', path)).toBe('2');
    expect(await ofRelease()).toEqual(
      expect.arrayContaining([
        'configmap/nightly',
        'configmap/example',
        'poddisruptionbudget.policy/nodesweep-scheduler',
        'service/nodesweep-scheduler',
        'validatingadmissionpolicy.admissionregistration.k8s.io/nodesweep-startup-taint',
      ]),
    );
    await waitFor('the status of the new policy', 120_000, () =>
      cluster.kubectl('get', '-n', namespace, 'configmap/nightly.status').catch(() => undefined),
    );
  });

  it('is not changed by an upgrade with a misspelt field of a policy', async () => {
    const before = await ofRelease();
    const wrong = { 'policies.wrong': { cleanup: { schedule: '@daily', dryrun: true } } };
    await expect(upgrade(wrong)).rejects.toThrow('dryrun');
    expect(await ofRelease()).toEqual(before);
  });

  it('is uninstalled with its policies, their records and their pods', async () => {
    await run('uninstall', '--wait', '--timeout', '300s');
    expect(await ofRelease()).toEqual([]);
    await waitFor('the objects of the policies to go', 180_000, async () => {
      const left = await cluster.kubectl(
        'get',
        'pods,configmaps',
        '-n',
        namespace,
        '-o',
        'name',
        '-l',
        'nodesweep.io/policy',
      );
      return left === '' || undefined;
    });
  });
});
