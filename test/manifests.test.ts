import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import manifest from '../package.json' with { type: 'json' };
import { resolveRuntime } from '../scheduler/cleanup/node-runtime.ts';
import { readSettings } from '../scheduler/settings/settings.ts';

interface Rule {
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const manifests = join(import.meta.dirname, '../manifests');

/** The objects of a manifest. */
function objectsIn(path: string) {
  return parseAllDocuments(readFileSync(join(manifests, path), 'utf8')).map((document) => document.toJS());
}

function rulesIn(path: string): readonly Rule[] {
  return objectsIn(path).flatMap(({ rules = [] }) => rules);
}

it('the base lets the scheduler only read nodes, and the overlay adds the right to patch them (P22)', () => {
  const onNodes = (rules: readonly Rule[]) => rules.filter(({ resources }) => resources.includes('nodes'));
  expect(onNodes(rulesIn('base/access.yaml')).flatMap(({ verbs }) => verbs)).toEqual(['get', 'list', 'watch']);
  const added = [{ apiGroups: [''], resources: ['nodes'], verbs: ['patch'] }];
  expect(rulesIn('overlays/startup-taint/access.yaml')).toEqual(added);
  expect([...rulesIn('base/access.yaml')].filter(({ resources }) => resources.includes('*'))).toEqual([]);
});

it('the overlay binds its right to the service account of the scheduler, and has all of its files (P22)', () => {
  const [kustomization] = objectsIn('overlays/startup-taint/kustomization.yaml');
  expect(kustomization.resources).toEqual(['access.yaml', 'guard.yaml']);
  const [, binding] = objectsIn('overlays/startup-taint/access.yaml');
  const [{ namespace }] = objectsIn('base/kustomization.yaml');
  const [account] = objectsIn('base/access.yaml');
  expect(binding.subjects).toEqual([{ kind: 'ServiceAccount', name: account.metadata.name, namespace }]);
  expect(objectsIn('overlays/startup-taint/guard.yaml').map(({ kind }) => kind)).toEqual([
    'ValidatingAdmissionPolicy',
    'ValidatingAdmissionPolicyBinding',
  ]);
});

const overlays = readdirSync(join(manifests, 'overlays'));
const kustomizations = ['kustomization.yaml', ...overlays.map((name) => `overlays/${name}/kustomization.yaml`)];

/** The settings that an overlay adds to the scheduler, as it reads them. */
function settingsOf(overlay: string) {
  const [patch] = objectsIn(`overlays/${overlay}/settings.yaml`);
  const entries = patch.spec.template.spec.containers[0].env.map(({ name, value }: Record<string, string>) => [
    name,
    value,
  ]);
  return readSettings({}, Object.fromEntries(entries));
}

it.each(overlays)('the overlay %s names only files that exist', (name) => {
  const [{ resources = [], components = [], patches = [] }] = objectsIn(`overlays/${name}/kustomization.yaml`);
  const paths = [...resources, ...components, ...patches.map(({ path }: { path: string }) => path)];
  expect(paths.length).toBeGreaterThan(0);
  expect(paths.filter((path) => !existsSync(join(manifests, 'overlays', name, path)))).toEqual([]);
});

it.each([
  { overlay: 'microk8s', labels: { 'microk8s.io/cluster': 'true' }, runtime: 'containerd://2.1.3' },
  { overlay: 'k0s', labels: { 'node.k0sproject.io/role': 'worker' }, runtime: 'containerd://1.7.27' },
  { overlay: 'docker', labels: {}, runtime: 'docker://28.0.1' },
])('the overlay $overlay sets the paths that the scheduler finds by itself on nodes that show them', (example) => {
  const node = { labels: example.labels, containerRuntimeVersion: example.runtime };
  const found = resolveRuntime(node, { sockets: [], stateDirectories: [] });
  expect(found).toBeDefined();
  expect(resolveRuntime(node, settingsOf(example.overlay))).toEqual(found);
});

it('nodes with SELinux get a type that may use the socket of the runtime, and nothing else changes', () => {
  expect(settingsOf('selinux')).toEqual({ ...readSettings({}, {}), seLinuxType: 'spc_t' });
});

it('all kustomizations that label objects name the version of the program', () => {
  const labels = kustomizations.flatMap((path) => objectsIn(path).flatMap((object) => object.labels ?? []));
  const versions = labels.map(({ pairs }) => pairs['app.kubernetes.io/version']);
  expect(versions.length).toBeGreaterThan(3);
  expect(new Set(versions)).toEqual(new Set([manifest.version]));
  const [{ images }] = objectsIn('kustomization.yaml');
  expect(images).toEqual([{ name: 'nodesweep', newName: 'nodesweep', newTag: manifest.version }]);
});
