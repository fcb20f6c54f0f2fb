import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

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
