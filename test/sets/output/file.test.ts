import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FileOutput } from '../../../sets/output/file.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-set-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

it('a file is replaced as a whole, and no draft stays', async () => {
  const path = join(directory, 'set.txt');
  await writeFile(path, 'old and longer');
  const { ino } = await stat(path);
  await new FileOutput(path).writeText('new');
  expect(await readFile(path, 'utf8')).toBe('new');
  expect((await stat(path)).ino).not.toBe(ino);
  expect(await readdir(directory)).toEqual(['set.txt']);
});

it('a pipe is written to, and not replaced', async () => {
  const path = join(directory, 'pipe');
  await promisify(execFile)('mkfifo', [path]);
  const [text] = await Promise.all([readFile(path, 'utf8'), new FileOutput(path).writeText('a/b:1\n')]);
  expect(text).toBe('a/b:1\n');
  expect((await stat(path)).isFIFO()).toBe(true);
});

it('nothing is left if the file can not be written', async () => {
  const path = join(directory, 'missing', 'set.txt');
  await expect(new FileOutput(path).writeText('a')).rejects.toThrow(
    new RegExp(`^file ${path} can't be written: ENOENT.*; check --output$`),
  );
  expect(await readdir(directory)).toEqual([]);
});
