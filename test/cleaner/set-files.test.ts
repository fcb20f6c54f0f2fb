import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSetFiles } from '../../cleaner/set-files.ts';
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
});
