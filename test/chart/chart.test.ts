import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../../package.json' with { type: 'json' };
import { runKinds } from '../../scheduler/kinds.ts';
import { lintText } from '../../scheduler/policy/lint.ts';
import { settings } from '../../scheduler/settings/settings.ts';
import { generatedFiles } from './generated.ts';
import { ownSettings } from './types.ts';
import { chart } from './values.ts';

const read = (path: string) => readFileSync(join(chart, path), 'utf8');
const templates = readdirSync(join(chart, 'templates')).map((name) => read(`templates/${name}`));

it.each(Object.entries(generatedFiles()))('%s of the chart is up to date: npm run chart writes it', (name, content) => {
  expect(read(name)).toBe(content);
});

it('the chart has the version of the program', () => {
  expect(parse(read('Chart.yaml'))).toMatchObject({ version: manifest.version, appVersion: manifest.version });
});

it('every setting that the chart names is a setting of the scheduler', () => {
  const known = Object.values(settings).map(({ variable }) => variable);
  const named = templates.flatMap((text) => [...text.matchAll(/NODESWEEP_[A-Z_]+/g)].map(([name]) => name));
  expect(new Set(named).size).toBeGreaterThan(10);
  expect([...named, ...ownSettings].filter((name) => !known.includes(name))).toEqual([]);
});

it('a setting that a template sets can not be set a second time', () => {
  const helpers = read('templates/_helpers.tpl');
  const set = [...helpers.matchAll(/"(NODESWEEP_[A-Z_]+)"/g)].map(([, name]) => name);
  expect(set.filter((name) => name !== undefined && !ownSettings.includes(name))).toEqual([]);
});

it('the policies of the values are valid, and the example is that of the kustomization', () => {
  const { policies } = parse(read('values.yaml'));
  const document = parse(parse(read('../policies/example.yaml')).data['cleanup.yaml']);
  expect(policies).toEqual({ example: { cleanup: document } });
  const text = JSON.stringify(policies.example.cleanup);
  expect(lintText('cleanup.yaml', text, runKinds)).toMatchObject({ policies: 1, problems: [] });
});

it('the guard of the startup taint is that of the overlay', () => {
  const guard = readFileSync(join(chart, '../overlays/startup-taint/guard.yaml'), 'utf8');
  const [, conditions = ''] = /^spec:\n([\s\S]*?)^---$/m.exec(guard) ?? [];
  expect(conditions).toContain('validations:');
  expect(read('templates/startup-taint.yaml')).toContain(conditions);
});
