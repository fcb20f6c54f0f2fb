import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ended, succeeded } from '../helpers/ended-run.ts';
import { runProgram } from '../helpers/program.ts';
import { RecordsServer } from '../helpers/records-server.ts';

let server: RecordsServer;
let home: string;

beforeEach(async () => {
  server = await RecordsServer.start();
  server.putPolicy('nightly', 'schedule: "0 3 * * *"');
  server.putRun('nightly', ended, { a: succeeded });
  home = await mkdtemp(join(tmpdir(), 'nodesweep-home-'));
});
afterEach(async () => {
  await server.remove();
  await rm(home, { recursive: true, force: true });
});

/** A person with an empty home directory, without KUBECONFIG, and not in a pod. */
const environment = () => ({ HOME: home, KUBECONFIG: undefined, KUBERNETES_SERVICE_HOST: undefined });
const nodesweep = (...args: readonly string[]) => runProgram(args, home, '', environment());

describe.each([
  ['status', ['status', 'nightly']],
  ['run', ['run', 'nightly']],
  ['plan', ['plan', 'nightly', '--node', 'a']],
  ['explain', ['explain', 'web:1', 'nightly', '--node', 'a']],
  ['page', ['page']],
  ['version', ['version']],
])('nodesweep %s', (command, args) => {
  it('has --kubeconfig, --context and -n in its help', async () => {
    const { stdout } = await nodesweep(command, '--help');
    for (const option of ['--kubeconfig <file>', '--context <name>', '-n, --namespace <name>'])
      expect(stdout).toContain(option);
  });

  it('says what to do without a cluster', async () => {
    const { stdout, stderr, exitCode } = await nodesweep(...args);
    expect(`${stdout}\n${stderr}`).toMatch(/no cluster is configured: .*use --kubeconfig FILE, or set KUBECONFIG/);
    expect(exitCode).toBe(command === 'version' ? 0 : 2);
  });

  it('names a kubeconfig that is not there, and a context that it does not have', async () => {
    const missing = await nodesweep(...args, '--kubeconfig', 'none');
    expect(`${missing.stdout}\n${missing.stderr}`).toContain('there is no kubeconfig none; check the path');
    const other = await nodesweep(...args, '--kubeconfig', server.kubeconfig, '--context', 'tes');
    expect(`${other.stdout}\n${other.stderr}`).toContain('there is no context tes, did you mean test?');
  });
});

describe('a command with --kubeconfig', () => {
  it('reads and requests the runs of that cluster', async () => {
    const there = ['--kubeconfig', server.kubeconfig, '--context', 'test'];
    expect(await nodesweep('status', 'nightly', ...there)).toMatchObject({
      stdout: expect.stringMatching(/^nightly +Valid /m),
      exitCode: 0,
    });
    expect(await nodesweep('run', 'nightly', ...there)).toMatchObject({
      stdout: expect.stringMatching(/^requested run nightly-/),
      exitCode: 0,
    });
    expect(server.annotationOf('nightly', 'nodesweep.io/run-at')).toMatch(/^\d{4}-/);
  });

  it('says that no scheduler is at work in a namespace without policies', async () => {
    const { stdout, stderr, exitCode } = await nodesweep('status', '--kubeconfig', server.kubeconfig, '-n', 'x');
    expect({ stdout, stderr }).toEqual({
      stdout: '',
      stderr:
        'nodesweep: no scheduler is at work in namespace x; choose its namespace with -n, or its cluster with --context',
    });
    expect(exitCode).toBe(2);
  });
});
