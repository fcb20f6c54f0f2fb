import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { nameCalls, programName } from '../../cli/program-name.ts';
import { bundledProgram, compileCache } from '../helpers/bundle.ts';
import { runProgram } from '../helpers/program.ts';
import { RecordsServer } from '../helpers/records-server.ts';

let directory: string;
let server: RecordsServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-plugin-'));
  await symlink(bundledProgram(), join(directory, 'kubectl-nodesweep.js'));
  const program = `#!/bin/sh\nexec '${process.execPath}' '${join(directory, 'kubectl-nodesweep.js')}' "$@"\n`;
  await writeFile(join(directory, 'kubectl-nodesweep'), program, { mode: 0o755 });
});
beforeEach(async () => {
  server = await RecordsServer.start();
});
afterEach(() => server.remove());
afterAll(() => rm(directory, { recursive: true, force: true }));

/** Starts an executable of the directory, which is on PATH. */
function start(name: string, ...words: readonly string[]) {
  const env = { ...compileCache(), PATH: `${directory}${delimiter}${process.env.PATH}` };
  return execa(join(directory, name), words, { env, reject: false });
}

const bareCalls = /(?<!kubectl )\bnodesweep (?:run|plan|status|explain|complete)\b/;

describe('the program as kubectl-nodesweep', () => {
  it.each([
    ['/usr/local/bin/kubectl-nodesweep', 'kubectl nodesweep'],
    ['kubectl-nodesweep', 'kubectl nodesweep'],
    ['/opt/kubectl-nodesweep.exe', 'kubectl nodesweep'],
    ['/usr/local/bin/nodesweep', 'nodesweep'],
    ['/usr/lib/node_modules/kubectl-nodesweep/dist/main.js', 'nodesweep'],
    ['/usr/local/bin/kubectl-nodesweep-other', 'nodesweep'],
  ])('%s is called %s', (path, name) => {
    expect(programName(path)).toBe(name);
  });

  it('says kubectl nodesweep in its help', async () => {
    expect((await start('kubectl-nodesweep', '--help')).stdout).toContain('Usage: kubectl nodesweep [options]');
    const { stdout } = await start('kubectl-nodesweep', 'run', '--help');
    expect(stdout).toContain('Usage: kubectl nodesweep run ');
    expect(stdout).toContain('  kubectl nodesweep run nightly ');
    expect(stdout).not.toMatch(bareCalls);
    expect((await runProgram(['run', '--help'])).stdout).toMatch(bareCalls);
  });

  it('says kubectl nodesweep in the help of each command', async () => {
    for (const command of ['plan', 'status', 'explain', 'complete'])
      expect((await start('kubectl-nodesweep', command, '--help')).stdout).not.toMatch(bareCalls);
  });

  it.each([
    ['requested run a-1; to see it: nodesweep status a', 'requested run a-1; to see it: kubectl nodesweep status a'],
    ['use `nodesweep plan POLICY --node a`', 'use `kubectl nodesweep plan POLICY --node a`'],
    ['namespace: nodesweep', 'namespace: nodesweep'],
    ['use the nodesweep of the scheduler', 'use the nodesweep of the scheduler'],
  ])('says kubectl nodesweep in a call that a message advises: %s', (message, named) => {
    expect(nameCalls(message, 'kubectl nodesweep')).toBe(named);
    expect(nameCalls(message, 'nodesweep')).toBe(message);
  });

  it('says kubectl nodesweep in the advice of its errors', async () => {
    expect((await start('kubectl-nodesweep', 'plan', '--node', 'a')).stderr).toContain(
      'use `kubectl nodesweep plan POLICY --node a`',
    );
    server.putPolicy('nightly', 'schedule: "0 3 * * *"');
    const access = ['--kubeconfig', server.kubeconfig];
    expect((await start('kubectl-nodesweep', 'status', 'nightly', '--node', 'x', ...access)).stderr).toMatch(
      /^nodesweep: no recorded run .*; `kubectl nodesweep plan nightly --node x` shows/,
    );
    expect((await start('kubectl-nodesweep', 'run', 'nightly', ...access)).stdout).toMatch(
      /^requested run .*; to see it: kubectl nodesweep status nightly$/,
    );
  });

  it('prints the file with which kubectl completes its words', async () => {
    const { stdout: script } = await start('kubectl-nodesweep', 'complete');
    await writeFile(join(directory, 'kubectl_complete-nodesweep'), `${script}\n`, { mode: 0o755 });
    const commands = (await start('kubectl_complete-nodesweep', 'cl')).stdout.split('\n');
    expect(commands).toEqual([expect.stringMatching(/^clean\t/), ':4']);
    const flags = (await start('kubectl_complete-nodesweep', 'clean', '--pol')).stdout.split('\n');
    expect(flags).toEqual([expect.stringMatching(/^--policy\t/), ':4']);
    const all = (await start('kubectl_complete-nodesweep', '')).stdout.split('\n');
    expect(all.length).toBeGreaterThan(8);
  });
});
