import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type PlanDocument, planSchema } from '../../contract/plan-document.ts';
import { buildContainer, buildImage, buildSimulatedNode, readNode, updateNode } from '../fixtures/simulated/node.ts';
import { type Bench, createBench, runClean } from '../helpers/clean.ts';
import { runProgramOn } from '../helpers/program.ts';

const web = buildImage('docker.io/library/web:1');
const old = buildImage('docker.io/library/old:1', { sizeBytes: 3e9 });
const base = buildImage('docker.io/acme/app:1', { repoTags: ['docker.io/acme/app:1', 'docker.io/acme/base:1'] });
const nameless = buildImage('nameless', { repoTags: ['<none>:<none>'], repoDigests: ['<none>@<none>'] });

let bench: Bench;

beforeEach(async () => {
  bench = await createBench(
    buildSimulatedNode({ images: [web, old, base, nameless], containers: [buildContainer(web)] }),
    { images: { exclude: ['**/base'] } },
  );
});
afterEach(() => bench.remove());

const nodesweep = (...args: readonly string[]) => runProgramOn(bench, args);

async function plan(...args: readonly string[]): Promise<PlanDocument> {
  const { stdout } = await nodesweep(
    'plan',
    '--job',
    bench.jobFile,
    '--state',
    bench.stateDirectory,
    '-o',
    'json',
    ...args,
  );
  return planSchema.parse(JSON.parse(stdout));
}

async function writePolicy(text: string): Promise<string> {
  const file = join(bench.directory, 'cleanup.yaml');
  await writeFile(file, text);
  return file;
}

const decisions = (
  images: readonly { readonly id: string; readonly decision: string; readonly reason?: string | undefined }[],
) => Object.fromEntries(images.map(({ id, decision, reason }) => [id, [decision, reason].filter(Boolean).join(' ')]));

describe('nodesweep plan', () => {
  it.each(['containerd-1.6', 'containerd-2.4'] as const)(
    'shows on %s the later actions of clean, and changes nothing itself',
    async (flavour) => {
      updateNode(bench.nodeFile, (node) => ({ ...node, flavour }));
      const before = readNode(bench.nodeFile);
      const planned = await plan();
      expect(readNode(bench.nodeFile)).toEqual(before);
      expect(await readdir(bench.directory)).not.toContain('state');

      const cleaned = await runClean(bench);
      expect(cleaned.images.every(({ outcome }) => outcome === undefined || outcome === 'removed')).toBe(true);
      expect(decisions(planned.images)).toEqual(decisions(cleaned.images));
      expect(planned.totals).toMatchObject({ images: 4, removals: cleaned.report.images.removed, freesBytes: 3.1e9 });
      expect(planned.filesystem?.afterBytes).toBeCloseTo(cleaned.report.filesystem.usedAfterBytes, -5);
    },
  );

  it('uses the history of earlier runs, and does not change it', async () => {
    await runClean(bench, ['--dry-run']);
    const fresh = buildImage('docker.io/library/fresh:1');
    updateNode(bench.nodeFile, (node) => ({ ...node, containers: [], images: [...node.images, fresh] }));
    const history = join(bench.stateDirectory, 'history.json');
    const [before, files] = [await readFile(history, 'utf8'), await readdir(bench.stateDirectory)];
    const planned = await plan();
    expect(decisions(planned.images)).toMatchObject({ [web.id]: 'keep RecentlyUsed', [fresh.id]: 'keep TooYoung' });
    expect(planned.notes).toEqual([]);
    expect(await readFile(history, 'utf8')).toBe(before);
    expect(await readdir(bench.stateDirectory)).toEqual(files);
  });

  it('prints a table for a policy file, the largest image first, also if usage is below the threshold', async () => {
    const policy = await writePolicy(
      'schedule: "@daily"\ndisk: {highPercent: 85, lowPercent: 80}\nimages: {keepSideLoaded: false}\n',
    );
    const { stdout, exitCode } = await nodesweep('plan', '--policy', policy);
    const [header = '', first = '', ...rest] = stdout.split('\n');
    expect(header.split(/\s{3,}/)).toEqual(['IMAGE', 'SIZE', 'AGE', 'LAST USED', 'DECISION', 'REASON']);
    expect(first.split(/\s{3,}/)).toEqual([
      'docker.io/library/old:1',
      '2.8 GiB',
      '<unknown>',
      '<unknown>',
      'keep',
      'BelowThreshold',
    ]);
    expect(rest.slice(3)).toEqual([
      '',
      '4 images of 3.1 GiB; none would be removed',
      'Kept: 3 BelowThreshold (3 GiB), 1 InUse (95.4 MiB)',
      'Disk usage: 23.3 %; removal starts at 85 % and stops at 80 %',
      'Note: first run on this node: every image counts as old enough for minAge, and none as long unused',
      'Note: the images of pods that are about to start are unknown here; only minAge protects them',
    ]);
    expect(exitCode).toBe(0);
  });

  it('prints the whole plan as YAML', async () => {
    const { stdout } = await nodesweep('plan', '--job', bench.jobFile, '-o', 'yaml');
    expect(planSchema.parse(parse(stdout)).images).toHaveLength(4);
  });

  it('reports that it does not know the workloads of the cluster when it runs by hand', async () => {
    const policy = await writePolicy('schedule: "@daily"\nimages: {keepSideLoaded: false, protectWorkloads: true}\n');
    const { stdout } = await nodesweep('plan', '--policy', policy);
    expect(stdout).toContain('Note: protectWorkloads has no effect here');
    expect(await nodesweep('clean', '--policy', policy, '--state', bench.stateDirectory)).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining('images.protectWorkloads: only the scheduler knows the workloads'),
    });
    expect(readNode(bench.nodeFile).images).toHaveLength(4);
  });
});

describe('nodesweep clean by hand', () => {
  it('speaks to a person with -o text, and in JSON lines in a pipe', async () => {
    const clean = ['clean', '--job', bench.jobFile, '--state', bench.stateDirectory, '--dry-run'];
    const { stdout, exitCode } = await nodesweep(...clean, '-o', 'text');
    expect(stdout).toMatch(/^1\/2 would remove .*\n2\/2 would remove .*\n/);
    expect(stdout).toMatch(/\nkept 1 InUse \(95\.4 MiB\); for example docker\.io\/library\/web:1: used by/);
    expect(stdout).toMatch(/\ndry run: 2 of 4 images would be removed .*; 2 kept\n/);
    expect(exitCode).toBe(0);
    const piped = await nodesweep(...clean);
    for (const line of piped.stdout.split('\n')) expect(JSON.parse(line)).toBeTypeOf('object');
  });
});

describe('nodesweep explain', () => {
  it('shows the result of every rule of a policy for one image', async () => {
    const policy = await writePolicy('schedule: "@daily"\nimages: {keepSideLoaded: false, exclude: ["**/base"]}\n');
    const { stdout, exitCode } = await nodesweep('explain', 'acme/app:1', '--policy', policy);
    expect(stdout).toMatch(/^Names: +docker\.io\/acme\/app:1\n +docker\.io\/acme\/base:1\n/);
    expect(stdout).toMatch(/\nExcluded +yes +a name matches images\.exclude \(\*\*\/base\)\n/);
    expect(stdout).toMatch(/\nDecision: keep, Excluded: /);
    expect(exitCode).toBe(0);
  });

  it('shows without a policy which containers use an image on this machine', async () => {
    const { stdout } = await nodesweep('explain', web.id.slice(7, 19), '-o', 'json');
    expect(JSON.parse(stdout)).toMatchObject({ policy: '<defaults>', image: { reason: 'InUse', usedBy: ['main'] } });
  });

  it('exits with 2 for an image that does not exist, and names similar images', async () => {
    expect(await nodesweep('explain', 'library/olds:1')).toMatchObject({
      exitCode: 2,
      stdout: '',
      stderr: expect.stringMatching(
        /^nodesweep: "library\/olds:1" is not one of .*similar images: docker\.io\/library\/old:1/,
      ),
    });
  });
});

describe('there is no plan, and exit code 2 with the next step,', () => {
  it.each<[what: string, args: readonly string[], message: RegExp]>([
    ['without a policy', ['plan'], /--policy FILE, --job FILE, or POLICY --node NODE is required/],
    ['for a policy of the cluster without a node', ['plan', 'nightly'], /no node is given; use `nightly --node NODE`/],
    [
      'for a node without a policy',
      ['plan', '--node', 'a'],
      /no policy is given; use `nodesweep plan POLICY --node a`/,
    ],
    ['for a file on a node of the cluster', ['plan', '--policy', 'f', '--node', 'a'], /cannot be used with/],
    [
      'for a file that is missing',
      ['plan', '--policy', 'f'],
      /the policy f can't be read: there is no such file \(ENOENT\); check the path/,
    ],
    [
      'for a node without a policy to explain by',
      ['explain', 'x', '--node', 'a'],
      /POLICY and --node NODE need each other/,
    ],
    [
      'for a format that is none',
      ['plan', '--policy', 'f', '-o', 'xml'],
      /Allowed choices are table, wide, json, yaml/,
    ],
    ['for a wrong time', ['plan', 'p', '--node', 'a', '--timeout', 'x'], /whole number of seconds from 1 up/],
  ])('%s', async (_what, args, message) => {
    const { stderr, exitCode } = await nodesweep(...args);
    expect(stderr).toMatch(message);
    expect(exitCode).toBe(2);
  });

  it('for a policy with problems, which are all named', async () => {
    const policy = await writePolicy('schedule: "@daily"\nimages: {minAge: 2, maxUnusedAge: x}\n');
    const { stderr, exitCode } = await nodesweep('plan', '--policy', policy);
    expect(stderr).toMatch(
      /cleanup\.yaml:2:10: images\.minAge: .*; write 2d for days.*cleanup\.yaml:2:21: images\.maxUnusedAge: must be a whole number/,
    );
    expect(exitCode).toBe(2);
  });

  it('for a runtime that does not answer', async () => {
    const { stderr, exitCode } = await runProgramOn({ ...bench, nodeFile: '/nowhere.sock' }, ['explain', 'web']);
    expect(stderr).toMatch(/^nodesweep: .*no such file or directory.*check CONTAINER_RUNTIME_ENDPOINT/s);
    expect(exitCode).toBe(2);
  });
});

it('both commands complete in a shell', async () => {
  expect((await nodesweep('complete', '--', 'pl')).stdout).toMatch(/^plan\t/);
  expect((await nodesweep('complete', '--', 'explain', '--no')).stdout).toMatch(/^--node\t/);
});
