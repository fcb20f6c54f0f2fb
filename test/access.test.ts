import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

const manifests = join(import.meta.dirname, '../manifests');
const objects = readdirSync(manifests, { recursive: true, encoding: 'utf8' })
  // The templates of the chart are no YAML. Tests with Helm show that they give the same rights.
  .filter((name) => name.endsWith('.yaml') && !name.startsWith('chart'))
  .flatMap((name) => parseAllDocuments(readFileSync(join(manifests, name), 'utf8')).map((document) => document.toJS()));
const rules: readonly Rule[] = objects
  .filter((object) => object?.kind === 'Role' || object?.kind === 'ClusterRole')
  .flatMap((role) => role.rules);

it('the manifests give no right to read a secret (P4)', () => {
  expect(rules.length).toBeGreaterThan(5);
  const named = rules.flatMap(({ resources }) => resources);
  expect(named.filter((resource) => resource === '*' || resource.startsWith('secrets'))).toEqual([]);
  expect(rules.flatMap(({ verbs }) => verbs)).not.toContain('*');
});
