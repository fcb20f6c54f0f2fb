import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadJobFile } from '../../cleaner/job-file.ts';
import { packReferences } from '../../contract/packed-references.ts';

const job = { version: 1, policy: 'nightly', run: 'nightly-1' };

let directory: string;
let path: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'job-'));
  path = join(directory, 'job.json');
});

afterEach(() => rm(directory, { recursive: true }));

describe('loadJobFile', () => {
  it('reads a job', async () => {
    await writeFile(path, JSON.stringify({ ...job, images: { minAge: '1h' } }));
    expect(await loadJobFile(path)).toMatchObject({ policy: 'nightly', images: { minAge: 3_600_000 } });
  });

  it('takes no set for unlabelled, and knows no age, in a job that does not tell what the scheduler saw (S6)', async () => {
    await writeFile(path, JSON.stringify({ ...job, images: { excludeFrom: ['a', 'b'], removeFrom: ['a'] } }));
    expect(await loadJobFile(path)).toMatchObject({ setTimes: { a: '', b: '' } });
    await writeFile(path, JSON.stringify({ ...job, images: { excludeFrom: ['a', 'b'] }, setTimes: { b: '' } }));
    expect((await loadJobFile(path)).setTimes).toEqual({ b: '' });
  });

  it('names a file that is missing, and the things to check', async () => {
    await expect(loadJobFile(path)).rejects.toThrow(
      `job ${path} can't be read: check --job, and the ConfigMap mounted there (ENOENT`,
    );
  });

  it.each([
    ['cut off', JSON.stringify(job).slice(0, 20), 'is not complete JSON after 20 characters'],
    ['empty', '', 'is not complete JSON after 0 characters'],
    [
      'of another version',
      '{"version":2,"novelty":1}',
      'has version 2, but this cleaner needs version 1: use scheduler',
    ],
    ['without a version', '{"policy":"a","run":"b"}', 'is not valid: version: '],
    ['something else', '[]', 'is not valid: '],
  ])('reports the problem of a file that is %s', async (_, text, message) => {
    await writeFile(path, text);
    await expect(loadJobFile(path)).rejects.toThrow(`job ${path} ${message}`);
  });

  it('has the references of image lists of a file in its directory, which must be whole (P11)', async () => {
    await writeFile(path, JSON.stringify(job));
    const file = join(directory, 'prepulled-references');
    await writeFile(file, packReferences(['acme/api:1']).toString('base64'));
    expect(await loadJobFile(path)).toMatchObject({ prepulledReferences: ['acme/api:1'] });
    await writeFile(file, '');
    await expect(loadJobFile(path)).rejects.toThrow(/prepulled-references, with references of images to keep/);
  });

  it('reports every problem at once, with its path', async () => {
    await writeFile(path, JSON.stringify({ ...job, novelty: 1, images: { include: ['nginx:*'], minAge: '2' } }));
    const error = await loadJobFile(path).catch(String);
    expect(error).toContain("images.include.0: can't match");
    expect(error).toContain('images.minAge: must be a whole number with a unit');
    expect(error).toContain('Unrecognized key: "novelty"');
  });
});
