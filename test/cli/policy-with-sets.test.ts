import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildImage, buildSimulatedNode } from '../fixtures/simulated/node.ts';
import { type Bench, createBench, imagesLeft } from '../helpers/clean.ts';
import { runProgramOn } from '../helpers/program.ts';

let bench: Bench;

beforeEach(async () => {
  const images = ['web', 'old'].map((name) => buildImage(`docker.io/library/${name}:1`));
  bench = await createBench(buildSimulatedNode({ images }));
});
afterEach(() => bench.remove());

async function write(name: string, text: string): Promise<void> {
  await mkdir(dirname(join(bench.directory, name)), { recursive: true });
  await writeFile(join(bench.directory, name), text);
}

const policy = (images: string) => `schedule: "@daily"\nimages: {keepSideLoaded: false, minAge: 0s, ${images}}\n`;
const setManifest = (name: string, text: string, updatedAt?: string) =>
  JSON.stringify({
    kind: 'ConfigMap',
    metadata: {
      name,
      labels: { 'nodesweep.io/kind': 'image-set' },
      ...(updatedAt && { annotations: { 'nodesweep.io/updated-at': updatedAt } }),
    },
    data: { 'list.txt': text },
  });
const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();

const run = (...args: readonly string[]) => runProgramOn(bench, args);
/** The decision about each image, with the set and the message, by its name. */
async function planOf(...args: readonly string[]) {
  const { stdout } = await run('plan', '-o', 'json', ...args);
  const { images, notes, sets } = JSON.parse(stdout);
  const decisions = images.map(({ names, decision, reason, set, message }: Record<string, string>) => [
    names?.[0],
    [decision, reason, set].filter(Boolean).join(' '),
    message,
  ]);
  return { images: decisions.toSorted(), notes: notes.join('\n'), sets };
}

describe('a policy that is used by hand', () => {
  it('finds its image sets among the manifests beside it (S3, S7)', async () => {
    await write('policies/cleanup.yaml', policy('excludeFrom: [frozen]'));
    await write('policies/sets/frozen.json', setManifest('frozen', 'web:1 # until May\n'));
    expect(await planOf('--policy', 'policies')).toMatchObject({
      images: [
        ['docker.io/library/old:1', 'remove', 'no rule keeps it'],
        ['docker.io/library/web:1', 'keep Excluded frozen', 'image set frozen: until May'],
      ],
      sets: [{ name: 'frozen', fields: ['excludeFrom'] }],
    });
    expect(await run('clean', '--policy', 'policies', '--state', bench.stateDirectory)).toMatchObject({ exitCode: 0 });
    expect(imagesLeft(bench)).toEqual(['docker.io/library/web:1']);
  });

  it('finds them in the directory of --sets first (S3)', async () => {
    await write('policies/cleanup.yaml', policy('excludeFrom: [frozen, tools]'));
    await write('policies/frozen.json', setManifest('frozen', 'web:1\n'));
    await write('policies/tools.json', setManifest('tools', ''));
    await write('sets/frozen/list', 'old:1\n');
    const { images } = await planOf('--policy', 'policies', '--sets', 'sets');
    expect(images).toEqual([
      ['docker.io/library/old:1', 'keep Excluded frozen', 'image set frozen names it as old:1'],
      ['docker.io/library/web:1', 'remove', 'no rule keeps it'],
    ]);
  });

  it.each([
    ['is nowhere', {}, /neither among the manifests of --policy nor in a directory given with --sets/],
    [
      'is there twice',
      { 'a.json': 'x', 'b.json': 'x' },
      /several manifests of --policy have its name: .*a\.json, .*b\.json/,
    ],
  ])('removes nothing if a set that protects %s (S3)', async (_why, files: Record<string, string>, message) => {
    await write('policies/cleanup.yaml', policy('excludeFrom: [frozen]'));
    for (const name of Object.keys(files)) await write(`policies/${name}`, setManifest('frozen', ''));
    const { notes, images } = await planOf('--policy', 'policies');
    expect(notes).toMatch(message);
    expect(images.map(([, decision]: string[]) => decision)).toEqual(['keep Excluded frozen', 'keep Excluded frozen']);
    expect(await run('clean', '--policy', 'policies', '--state', bench.stateDirectory)).toMatchObject({ exitCode: 2 });
    expect(imagesLeft(bench)).toHaveLength(2);
  });

  it.each([
    [hoursAgo(1), 0],
    [hoursAgo(25), 2],
    [undefined, 2],
  ])('takes the age of a set from its annotation: %s (S6)', async (updatedAt, exitCode) => {
    await write('policies/cleanup.yaml', policy('excludeFrom: [frozen], maxSetAge: 1d'));
    await write('policies/frozen.json', setManifest('frozen', '', updatedAt));
    const options = ['--policy', 'policies', '--state', bench.stateDirectory];
    expect(await run('clean', ...options)).toMatchObject({ exitCode });
  });

  it('takes the age of a directory from its newest file (S6)', async () => {
    await write('cleanup.yaml', policy('excludeFrom: [frozen], maxSetAge: 1d'));
    await write('sets/frozen/list', '');
    const options = ['--policy', 'cleanup.yaml', '--sets', 'sets', '--state', bench.stateDirectory];
    expect(await run('clean', ...options)).toMatchObject({ exitCode: 0 });
  });
});

it('explain tells of each set if it names the image, by which line, and if it can be read (S7)', async () => {
  await write('cleanup.yaml', policy('includeFrom: [cve], excludeFrom: [frozen], removeFrom: [cve, gone]'));
  await write('sets/cve/list.txt', '# by a scanner\nold:1 # CVE-2026-1\n');
  await write('sets/frozen/list.txt', 'web:1\n');
  const options = ['--policy', 'cleanup.yaml', '--sets', 'sets'];
  const { stdout } = await run('explain', 'old:1', ...options);
  expect(stdout).toMatch(
    /Image sets: +cve \(images\.includeFrom, images\.removeFrom\): key list\.txt, line 2: old:1 \(CVE-2026-1\)$/m,
  );
  expect(stdout).toMatch(/^ +frozen \(images\.excludeFrom\): does not name it$/m);
  expect(stdout).toMatch(/^ +gone \(images\.removeFrom\): can't be read: /m);
  expect(stdout).toMatch(/^TooYoung +no +image set cve: CVE-2026-1; it goes at any age and disk usage$/m);
  expect(stdout).toMatch(/^Decision: remove: image set cve: CVE-2026-1$/m);
  const { stdout: other } = await run('explain', 'web:1', ...options);
  expect(other).toMatch(/^NotIncluded +yes +no image set of images\.includeFrom names it \(cve\)$/m);
  expect(other).toMatch(/^Excluded +yes +image set frozen names it as web:1$/m);
});

it('the table of a plan has the set of each decision, and clean says it for each image (S7)', async () => {
  await write('cleanup.yaml', policy('excludeFrom: [frozen], removeFrom: [cve]'));
  await write('sets/cve/list.txt', 'old:1 # CVE-2026-1\n');
  await write('sets/frozen/list.txt', 'web:1\n');
  const options = ['--policy', 'cleanup.yaml', '--sets', 'sets'];
  const { stdout } = await run('plan', ...options);
  expect(stdout).toMatch(/^IMAGE +SIZE +AGE +LAST USED +DECISION +REASON +SET$/m);
  expect(stdout).toMatch(/^docker\.io\/library\/web:1 .* keep +Excluded +frozen$/m);
  expect(stdout).toMatch(/^docker\.io\/library\/old:1 .* remove +- +cve$/m);
  const cleaned = await run('clean', ...options, '--state', bench.stateDirectory, '-o', 'text');
  expect(cleaned.stdout).toMatch(/^1\/1 removed docker\.io\/library\/old:1 \(.*\): image set cve: CVE-2026-1$/m);
});
