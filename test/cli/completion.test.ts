import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { bashCompletion } from '../../cli/output/bash-completion.ts';
import { bundledProgram, compileCache } from '../helpers/bundle.ts';
import { RecordsServer } from '../helpers/records-server.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-completion-'));
  await writeFile(join(directory, 'script.bash'), bashCompletion);
  const program = `#!/bin/sh\nexec '${process.execPath}' '${bundledProgram()}' "$@"\n`;
  await writeFile(join(directory, 'nodesweep'), program, { mode: 0o755 });
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** The words that bash offers for the last word, in a shell that has only the script, sourced twice. */
async function complete(...words: readonly string[]) {
  const script = [
    'source ./script.bash',
    'source ./script.bash',
    'COMP_WORDS=("$@")',
    'COMP_CWORD=$(($# - 1))',
    '_nodesweep ./nodesweep',
    `printf '%s\\n' "\${COMPREPLY[@]}"`,
  ].join('\n');
  const command = ['--norc', '--noprofile', '-c', script, 'bash', 'nodesweep', ...words];
  const { stdout, stderr } = await execa('bash', command, { cwd: directory, env: compileCache() });
  expect(stderr).toBe('');
  return stdout.split('\n').filter(Boolean);
}

describe('the completion of bash', () => {
  it('completes commands and options without other packages, also if it is sourced twice', async () => {
    expect(await complete('cl')).toEqual(['clean']);
    expect(await complete('clean', '--pol')).toEqual(['--policy']);
  });

  it('does not run the words of the command line', async () => {
    await complete('plan', '$(touch ran)', '`touch ran`', ';touch ran', '--');
    expect(await readdir(directory)).not.toContain('ran');
  });

  describe('of the values of a cluster', () => {
    let server: RecordsServer;

    beforeEach(async () => {
      server = await RecordsServer.start();
      server.putPolicy('nightly', 'schedule: "0 3 * * *"');
      server.putPolicy('release', 'schedule: "@weekly"');
      server.putNode('node-1');
      server.putNode('node-2');
    });
    afterEach(() => server.remove());

    const there = () => ['--kubeconfig', server.kubeconfig];

    it('offers its policies', async () => {
      expect(await complete('run', ...there(), '')).toEqual(['nightly', 'release']);
      expect(await complete('status', ...there(), 'rel')).toEqual(['release']);
      expect(await complete('explain', 'web:1', ...there(), 'n')).toEqual(['nightly']);
    });

    it('offers its nodes, and the contexts of its kubeconfig', async () => {
      expect(await complete('plan', 'nightly', ...there(), '--node', '')).toEqual(['node-1', 'node-2']);
      expect(await complete('status', ...there(), '--context', 't')).toEqual(['test']);
    });

    it('offers nothing, and prints no error, if there is no cluster', async () => {
      expect(await complete('run', '--kubeconfig', 'none', '')).toEqual([]);
      await server.stop();
      expect(await complete('run', ...there(), '')).toEqual([]);
    });
  });
});
