import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSetFiles } from '../../cleaner/set-files.ts';
import { maxSetSum } from '../../contract/images/set-sum.ts';
import { buildJob } from '../helpers/inventory.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sets-'));
});
afterEach(() => rm(directory, { recursive: true }));

const job = buildJob({ images: { excludeFrom: ['frozen', 'tools'] } });
const read = async () => (await readSetFiles(job, directory)).find(({ name }) => name === 'frozen');

/** Writes a version of a ConfigMap as the kubelet does: a directory of its own, to which a link leads at once. */
async function mount(version: string, keys: Readonly<Record<string, string>>): Promise<void> {
  const set = join(directory, 'frozen');
  await mkdir(join(set, version), { recursive: true });
  for (const [key, text] of Object.entries(keys)) {
    await writeFile(join(set, version, key), text);
    await symlink(join('..data', key), join(set, key)).catch(() => undefined);
  }
  await symlink(version, join(set, '..new'));
  await rename(join(set, '..new'), join(set, '..data'));
}

describe('image sets in a directory', () => {
  it('have their keys in files, as the kubelet mounts them (S3)', async () => {
    await mount('..2026_03_02', { 'list.txt': 'web:1\n', '.more': 'old:1\n' });
    expect(await read()).toMatchObject({
      texts: [
        { key: '.more', text: 'old:1\n' },
        { key: 'list.txt', text: 'web:1\n' },
      ],
    });
  });

  it('are read as they were at one moment, while the kubelet replaces them (S3)', async () => {
    const version = (number: number) => ({ a: `web:${number}\n`, b: `old:${number}\n` });
    await mount('..0', version(0));
    let replaced = 0;
    let isDone = false;
    const replacing = (async () => {
      while (!isDone) {
        replaced += 1;
        await mount(`..${replaced}`, version(replaced));
        if (replaced > 1) await rm(join(directory, 'frozen', `..${replaced - 2}`), { recursive: true });
      }
    })();
    let whole = 0;
    for (let reads = 0; reads < 200; reads++) {
      const set = await read();
      if (set === undefined || 'problem' in set) continue;
      whole += 1;
      const [a, b] = set.texts.map(({ text }) => text.split(':')[1]);
      expect(a).toBe(b);
    }
    isDone = true;
    await replacing;
    expect(whole).toBeGreaterThan(0);
    expect(await read()).toMatchObject({ texts: [{ text: `web:${replaced}\n` }, { text: `old:${replaced}\n` }] });
  });

  it('are missing without a directory, and without a key, as an optional ConfigMap that does not exist is mounted (S3)', async () => {
    expect(await readSetFiles(job, undefined)).toEqual([]);
    expect(await readSetFiles(job, directory)).toEqual([]);
    await mount('..0', {});
    expect(await readSetFiles(job, directory)).toEqual([]);
  });

  it('can not be read with a key that is no file (S3)', async () => {
    await mkdir(join(directory, 'frozen', 'list'), { recursive: true });
    expect(await read()).toEqual({ name: 'frozen', problem: 'its key list is not a file' });
  });

  it('of other names are not read', async () => {
    await mkdir(join(directory, 'other'));
    await writeFile(join(directory, 'other', 'list'), 'web:1\n');
    expect(await readSetFiles(job, directory)).toEqual([]);
  });

  it('that are too large together can not be read: all of them, and the sum and the limit are told (S6)', async () => {
    const lines = (count: number) => Array.from({ length: count }, (_, index) => `a:${index}`).join('\n');
    await mount('..0', { a: lines(maxSetSum.lines - 1) });
    const tools = join(directory, 'tools');
    await mkdir(tools);
    await writeFile(join(tools, 'list'), 'b:1\n');
    expect(await readSetFiles(job, directory)).toMatchObject([{ texts: [{ key: 'a' }] }, { texts: [{ key: 'list' }] }]);
    await writeFile(join(tools, 'list'), 'b:1\nNot An Image\n');
    const found = await readSetFiles(job, directory);
    const problem = expect.stringMatching(
      /^together they have \d+ bytes and 50001 lines, and the limit is 4194304 bytes and 50000 lines: shorten the sets, or /,
    );
    expect(found).toEqual(['frozen', 'tools'].map((name) => ({ name, problem, isShared: true })));
  });

  it.each<[what: string, sets: number, line: (set: number, index: number) => string, output: RegExp]>([
    ['the most lines that are allowed', 1, (_, index) => `acme/x-${index}:1`, /^100 protected, 0 removed$/],
    ['as many globs', 1, (_, index) => `**/x-${index}*:1`, /^100 protected, 100 removed$/],
    [
      'far more bytes than are allowed',
      16,
      (set, index) => `${set}/${index}@sha256:${'0'.repeat(64)} # ${'x'.repeat(900)}`,
      /^together they have \d{8} bytes/,
    ],
  ])(
    'with %s need only a small heap, because the memory of a cleaner pod is limited (S6)',
    async (_what, ...args) => {
      const [sets, line, output] = args;
      for (let set = 0; set < sets; set += 1) {
        const lines = Array.from({ length: sets === 1 ? maxSetSum.lines : 1_000 }, (_, index) => line(set, index));
        await mkdir(join(directory, `set-${set}`));
        await writeFile(join(directory, `set-${set}`, 'list'), lines.join('\n'));
      }
      const argv = ['--max-old-space-size=56', 'test/helpers/compile-sets.ts', directory];
      const { stdout } = await promisify(execFile)(process.execPath, argv);
      expect(stdout.trim()).toMatch(output);
    },
    120_000,
  );
});
