import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type ClusterObject, kustomize, manifests, render } from './helm.ts';

/** The overlays that change the installation, and the values of the chart that do the same. */
const overlays = [
  { name: 'selinux', values: { cleaner: { seLinuxType: 'spc_t' } } },
  { name: 'k3s', values: { cleaner: { seLinuxType: 'spc_t' } } },
  {
    name: 'microk8s',
    values: {
      cleaner: {
        sockets: ['/var/snap/microk8s/common/run/containerd.sock'],
        stateDirectories: ['/var/snap/microk8s/common/var/lib/containerd/nodesweep'],
      },
    },
  },
  {
    name: 'k0s',
    values: {
      cleaner: { sockets: ['/run/k0s/containerd.sock'], stateDirectories: ['/var/lib/k0s/containerd/nodesweep'] },
    },
  },
  { name: 'crio', values: { cleaner: { seLinuxType: 'spc_t' }, openshift: { enabled: true } } },
  { name: 'docker', values: { cleaner: { stateDirectories: ['/var/lib/docker/nodesweep'] } } },
  { name: 'two-replicas', values: { scheduler: { replicas: 2 } } },
  { name: 'notifications', values: { notifications: { enabled: true } } },
  {
    name: 'image-set-harbor',
    values: { imageSets: { harbor: { enabled: true, address: 'https://harbor.example.com' } } },
  },
  { name: 'image-set-trivy', values: { imageSets: { trivy: { enabled: true } } } },
  {
    name: 'image-set-url',
    values: { imageSets: { url: { enabled: true, address: 'https://lists.example.com/images.txt' } } },
  },
  { name: 'registry-check', values: { registryCheck: { enabled: true } } },
  { name: 'status-page', values: { statusPage: { enabled: true } } },
  {
    name: 'monitoring',
    values: { podMonitor: { enabled: true }, prometheusRule: { enabled: true }, dashboard: { enabled: true } },
  },
];

interface Named {
  readonly name: string;
}

/** The objects of the installation with overlays. kustomize takes only relative paths. */
async function buildWith(...names: readonly string[]): Promise<readonly ClusterObject[]> {
  const directory = await mkdtemp(join(tmpdir(), 'nodesweep-kustomization-'));
  try {
    const top = relative(directory, manifests);
    const components = names.map((name) => `${top}/overlays/${name}`);
    await writeFile(join(directory, 'kustomization.yaml'), JSON.stringify({ resources: [top], components }));
    return await kustomize(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Objects by their kinds and names, without what only Helm adds, and in a form that has no order. */
function comparable(objects: readonly ClusterObject[]): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    objects.map((object) => {
      const { kind, metadata } = object;
      const key = `${kind} ${metadata.namespace ?? ''}/${metadata.name}`;
      return [key, { ...withSortedContainers(object), metadata: withoutHelm(metadata), ...policyOf(object) }];
    }),
  );
}

function withoutHelm({ labels = {}, annotations = {}, ...others }: ClusterObject['metadata']) {
  const { 'helm.sh/chart': _chart, 'app.kubernetes.io/managed-by': _helm, ...ownLabels } = labels;
  const { 'helm.sh/resource-policy': _policy, ...ownAnnotations } = annotations;
  return { ...others, labels: ownLabels, annotations: ownAnnotations };
}

/** The policy of a ConfigMap, because its text has comments. */
function policyOf({ kind, data }: ClusterObject) {
  if (kind !== 'ConfigMap') return {};
  return { data: Object.fromEntries(Object.entries((data ?? {}) as object).map(([key, text]) => [key, parse(text)])) };
}

/** The variables and ports of a container have names, and no order. */
function withSortedContainers(object: ClusterObject): ClusterObject {
  const copy = structuredClone(object);
  const { template } = (copy.spec ?? {}) as { template?: { spec: { containers: Record<'env' | 'ports', Named[]>[] } } };
  for (const { env, ports } of template?.spec.containers ?? [])
    for (const list of [env, ports]) list.sort((a, b) => a.name.localeCompare(b.name));
  return copy;
}

describe('chart and kustomization', () => {
  it('make the same objects with default values', async () => {
    const fromChart = comparable(await render({ namespace: { create: true } }));
    const fromKustomize = comparable(await kustomize(manifests));
    expect(Object.keys(fromKustomize).length).toBeGreaterThan(12);
    expect(fromChart).toEqual(fromKustomize);
  });

  it.each(overlays)('make the same objects with the overlay $name', async ({ name, values }) => {
    const fromChart = comparable(await render({ namespace: { create: true }, ...values }));
    const fromKustomize = comparable(await buildWith(name));
    expect(fromChart).toEqual(fromKustomize);
    expect(fromKustomize).not.toEqual(comparable(await kustomize(manifests)));
  });

  it('make the same objects with the startup taint', async () => {
    const isAdded = ({ metadata }: ClusterObject) => metadata.name === 'nodesweep-startup-taint';
    const fromChart = (await render({ startupTaint: { enabled: true } })).filter(isAdded);
    const fromKustomize = await kustomize(join(manifests, 'overlays/startup-taint'));
    expect(comparable(fromChart)).toEqual(comparable(fromKustomize));
    const unguarded = await render({ startupTaint: { enabled: true, guard: false } });
    expect(unguarded.filter(isAdded).map(({ kind }) => kind)).toEqual(['ClusterRole', 'ClusterRoleBinding']);
  });
});

describe('overlays', () => {
  it('can be combined', async () => {
    const objects = await buildWith('crio', 'two-replicas', 'monitoring', 'docker');
    const names = objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(names).toEqual(
      expect.arrayContaining([
        'RoleBinding nodesweep-cleaner-privileged',
        'RoleBinding nodesweep-scheduler-nonroot',
        'PodDisruptionBudget nodesweep-scheduler',
        'PodMonitor nodesweep-scheduler',
      ]),
    );
  });

  it('leave version and instance on all objects', async () => {
    const objects = await buildWith('crio', 'two-replicas', 'monitoring', 'status-page');
    const missing = objects.filter(({ metadata: { labels = {} } }) => {
      const wanted = ['part-of', 'instance', 'version'].map((name) => labels[`app.kubernetes.io/${name}`]);
      return wanted.includes(undefined);
    });
    expect(missing).toEqual([]);
  });
});
