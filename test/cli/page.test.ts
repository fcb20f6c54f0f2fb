import { afterEach, beforeEach, expect, it } from 'vitest';
import { runProgramFor } from '../helpers/program.ts';
import { RecordsServer } from '../helpers/records-server.ts';

let server: RecordsServer;

beforeEach(async () => {
  server = await RecordsServer.start();
});
afterEach(() => server.remove());

it('nodesweep page exits with 2 if no scheduler runs in the namespace, with the next step', async () => {
  expect(await runProgramFor(server, ['page', '-n', 'elsewhere'])).toEqual({
    stdout: '',
    stderr:
      'nodesweep: no scheduler is at work in namespace elsewhere; choose its namespace with -n, or its cluster with --context',
    exitCode: 2,
  });
});

it.each([['x'], ['65536'], ['-1']])('nodesweep page refuses the port %s', async (port) => {
  const { stderr, exitCode } = await runProgramFor(server, ['page', `--port=${port}`]);
  expect(stderr).toContain('It must be a port, from 0 to 65535.');
  expect(exitCode).toBe(2);
});
