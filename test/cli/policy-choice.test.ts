import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildImage, buildSimulatedNode, readNode } from '../fixtures/simulated/node.ts';
import { type Bench, createBench } from '../helpers/clean.ts';
import { runProgramOn } from '../helpers/program.ts';

const examples = join(import.meta.dirname, '../../manifests/policies');

let bench: Bench;

beforeEach(async () => {
  bench = await createBench(buildSimulatedNode({ images: [buildImage('docker.io/library/web:1')] }));
});
afterEach(() => bench.remove());

async function write(name: string, text: string): Promise<void> {
  await mkdir(join(bench.directory, 'policies'), { recursive: true });
  await writeFile(join(bench.directory, name), text);
}

const manifest = (name: string, document: string, key = 'cleanup.yaml') =>
  [
    'kind: ConfigMap',
    `metadata: {name: ${name}, labels: {nodesweep.io/kind: policy}}`,
    `data: {${key}: ${JSON.stringify(document)}}`,
    '',
  ].join('\n');
const taking = 'schedule: "@daily"\nimages: {keepSideLoaded: false}\n';
const keeping = 'schedule: "@daily"\nimages: {keepSideLoaded: false, exclude: ["**"]}\n';
const lists = 'schedule: "@daily"\nlists: [{name: base, images: ["acme/api:1"]}]\n';
const several = [
  'kind: Namespace\nmetadata: {name: x}\n',
  manifest('nightly', taking),
  manifest('careful', keeping),
  manifest('release', lists, 'prepull.yaml'),
].join('---\n');

/** The plan of a policy for the simulated node, or the message why there is none. */
async function plan(options: readonly string[], input?: string) {
  const { stdout, stderr, exitCode } = await runProgramOn(bench, ['plan', '-o', 'json', ...options], input);
  if (exitCode !== 0) return { exitCode, stderr };
  const { policy, images } = JSON.parse(stdout);
  return { policy, decisions: images.map(({ decision }: { decision: string }) => decision) };
}

describe('plan --policy', () => {
  it.each(['nightly.yaml', 'ci.yaml', 'disk.yaml'])('takes the example %s', async (name) => {
    await mkdir(join(bench.directory, 'policies'));
    await cp(join(examples, name), join(bench.directory, 'policies', name));
    expect(await plan(['--policy', `policies/${name}`])).toMatchObject({ decisions: [expect.any(String)] });
  });

  it('takes the policy with a name among several of a manifest, and asks for the name without it', async () => {
    await write('all.yaml', several);
    expect(await plan(['--policy', 'all.yaml', '--name', 'nightly'])).toEqual({
      policy: 'nightly',
      decisions: ['remove'],
    });
    expect(await plan(['--policy', 'all.yaml', '--name', 'careful'])).toEqual({
      policy: 'careful',
      decisions: ['keep'],
    });
    expect(await plan(['--policy', 'all.yaml'])).toEqual({
      exitCode: 2,
      stderr: 'nodesweep: all.yaml has 2 cleanup policies; choose one with --name: careful, nightly',
    });
  });

  it('takes a directory and standard input', async () => {
    await write('policies/nightly.yaml', manifest('nightly', taking));
    await write('policies/values.yaml', 'replicas: 1\n');
    expect(await plan(['--policy', 'policies'])).toEqual({ policy: 'nightly', decisions: ['remove'] });
    expect(await plan(['--policy', '-', '--name', 'careful'], several)).toEqual({
      policy: 'careful',
      decisions: ['keep'],
    });
    expect(await plan(['--policy', '-'], taking)).toMatchObject({ decisions: ['remove'] });
  });

  it.each([
    [
      'a name that is not there',
      ['--name', 'nightl'],
      /^nodesweep: there is no policy nightl in all\.yaml, did you mean nightly\?/,
    ],
    [
      'a policy of image lists',
      ['--name', 'release'],
      /policy release in all\.yaml is of image lists and removes no images/,
    ],
  ])('refuses %s with the names to choose from', async (_what, options, message) => {
    await write('all.yaml', several);
    const { stderr, exitCode } = await plan(['--policy', 'all.yaml', ...options]);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/careful, nightly$/);
    expect(exitCode).toBe(2);
  });

  it('refuses a file with a broken policy if the broken one may be meant', async () => {
    await write('policies/good.yaml', manifest('good', taking));
    await write('policies/broken.yaml', 'metadata: {labels: {nodesweep.io/kind: policy}}\ndata: {');
    const unnamed = await plan(['--policy', 'policies']);
    expect(unnamed).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('policies/broken.yaml:2:') });
    expect(await plan(['--policy', 'policies', '--name', 'good'])).toMatchObject({ policy: 'good' });
  });
});

describe('clean --policy', () => {
  const clean = (options: readonly string[], input?: string) =>
    runProgramOn(bench, ['clean', '--state', bench.stateDirectory, ...options], input);

  it('takes the named policy of a manifest, and removes nothing if there are several without a name', async () => {
    expect(await clean(['--policy', '-'], several)).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('choose one with --name: careful, nightly'),
    });
    expect(readNode(bench.nodeFile).images).toHaveLength(1);
    expect(await clean(['--policy', '-', '--name', 'nightly'], several)).toMatchObject({ exitCode: 0 });
    expect(readNode(bench.nodeFile).images).toHaveLength(0);
  });
});
