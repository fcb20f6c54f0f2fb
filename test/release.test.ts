import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import manifest from '../package.json' with { type: 'json' };

const top = join(import.meta.dirname, '..');
const read = (path: string) => readFileSync(join(top, path), 'utf8');
const workflow = parse(read('.github/workflows/release.yaml'));

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

const jobs: Readonly<Record<string, { readonly steps: readonly Step[]; readonly permissions: object }>> = workflow.jobs;
const steps = Object.values(jobs).flatMap((job) => job.steps);

it('the newest section of the changelog is that of the version', () => {
  const [newest] = [...read('CHANGELOG.md').matchAll(/^## (\S+)$/gm)].map(([, version]) => version);
  expect(newest).toBe(manifest.version);
});

it('the release uses only actions that are pinned to a commit, and gives rights only to single jobs', () => {
  const actions = steps.flatMap(({ uses }) => uses ?? []);
  expect(actions.length).toBeGreaterThan(10);
  expect(actions.filter((action) => !/@[0-9a-f]{40}$/.test(action))).toEqual([]);
  expect(workflow.permissions).toEqual({});
  expect(Object.values(jobs).filter(({ permissions }) => permissions === undefined)).toEqual([]);
});

it('the image of a release is for two architectures, with labels, SBOM and provenance', () => {
  const build = steps.find(({ uses = '' }) => uses.startsWith('docker/build-push-action@'));
  expect(build?.with).toMatchObject({
    platforms: 'linux/amd64,linux/arm64',
    sbom: true,
    provenance: 'mode=max',
    labels: expect.stringContaining('outputs.labels'),
  });
});

it('the executables of a release are for six platforms, with the version of Node.js that the tests use', () => {
  const { strategy, steps: own } = workflow.jobs.executables;
  const platforms = strategy.matrix.include.map(({ platform }: { platform: string }) => platform);
  const wanted = ['linux', 'darwin', 'windows'].flatMap((system) => [`${system}-amd64`, `${system}-arm64`]);
  expect(platforms).toEqual(wanted);
  const node = own.find(({ uses = '' }: Step) => uses.startsWith('actions/setup-node@'));
  expect(node.with).toEqual({ 'node-version': manifest.devDependencies.node });
  expect(workflow.jobs.release.needs).toContain('executables');
});

it('the chart of a release replaces the repository that the values have', () => {
  const text = read('.github/workflows/release.yaml');
  const [, line = ''] = /s\|\^(.*?)\$\|/.exec(text) ?? [];
  expect(line).toBe('  repository: nodesweep');
  expect(
    read('manifests/chart/values.yaml')
      .split('\n')
      .filter((each) => each === line),
  ).toHaveLength(1);
});

it('the release checks the chart with the version of Helm that the tests use', () => {
  const helm = steps.find(({ uses = '' }) => uses.startsWith('azure/setup-helm@'));
  expect(read('test/cluster/binaries/helm/go.mod')).toContain(`\thelm.sh/helm/v4 ${helm?.with?.version} `);
});
