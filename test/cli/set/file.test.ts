import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../../helpers/program.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-set-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const set = (args: readonly string[], input = '') => runProgram(['set', 'file', ...args], directory, input);

describe('nodesweep set file', () => {
  it('writes lines of standard input to standard output, and its log to standard error', async () => {
    const { stdout, stderr, exitCode } = await set(['-', '--name', 'frozen', '--output', '-'], 'b/b:1 # why\na/a:1\n');
    expect(stdout).toBe('# Written by nodesweep from standard input. Changes by hand are lost.\na/a:1\nb/b:1 # why');
    expect(JSON.parse(stderr)).toMatchObject({
      level: 'info',
      event: 'set',
      set: 'frozen',
      outcome: 'Written',
      images: 2,
    });
    expect(exitCode).toBe(0);
  });

  it('writes a file of the set, and one JSON line', async () => {
    await writeFile(join(directory, 'list.txt'), '# none\n');
    const { stdout, exitCode } = await set(['list.txt', '--name', 'frozen', '--output', 'set.txt']);
    expect(await readFile(join(directory, 'set.txt'), 'utf8')).toMatch(/^# Written by nodesweep from file list.txt/);
    expect(JSON.parse(stdout)).toMatchObject({ msg: 'file set.txt: 0 images, 0 new, 0 gone', source: 'file' });
    expect(exitCode).toBe(0);
  });

  it.each([
    ['', 'it is empty'],
    ['<html>\n<body>Sign in</body>\n', 'line 1: <html>'],
    ['a/a:1\nb/b:1 c/c:1\n', 'line 2: b/b:1 is followed by c/c:1'],
  ])('exits with 1 and writes nothing for %j (S8, S11)', async (text, message) => {
    await writeFile(join(directory, 'set.txt'), 'old');
    const { stdout, exitCode } = await set(['-', '--name', 'frozen', '--output', 'set.txt'], text);
    expect(JSON.parse(stdout)).toMatchObject({
      level: 'error',
      reason: 'SourceError',
      msg: expect.stringContaining(message),
    });
    expect(exitCode).toBe(1);
    expect(await readFile(join(directory, 'set.txt'), 'utf8')).toBe('old');
  });

  it.each([
    [['-'], "required option '--name <set>' not specified"],
    [['-', '--name', 'Frozen'], 'It must be a name of at most 253 lower-case letters'],
    [['-', '--name', 'a'.repeat(247)], 'It must have at most 246 characters'],
    [['-', '--name', 'frozen', '--timeout', 'soon'], 'It must be a whole number with a unit'],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { stderr, exitCode } = await set(args);
    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  it('exits with 2 if there is no cluster', async () => {
    const { stdout, exitCode } = await set(['-', '--name', 'frozen', '--kubeconfig', 'missing'], 'a/a:1\n');
    expect(JSON.parse(stdout)).toMatchObject({
      reason: 'ClusterError',
      msg: expect.stringContaining('there is no kubeconfig missing'),
    });
    expect(exitCode).toBe(2);
  });
});
