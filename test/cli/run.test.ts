import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runName } from '../../scheduler/run/names.ts';
import { started, waiting } from '../../scheduler/run/progress.ts';
import { waitFor } from '../cluster/wait.ts';
import { ended, failed, succeeded } from '../helpers/ended-run.ts';
import { runProgramFor, startProgramFor } from '../helpers/program.ts';
import { RecordsServer } from '../helpers/records-server.ts';

let server: RecordsServer;

beforeEach(async () => {
  server = await RecordsServer.start();
});
afterEach(() => server.remove());

const nodesweep = (...args: readonly string[]) => runProgramFor(server, args);

describe('nodesweep run', () => {
  const annotationOf = () => server.annotationOf('nightly', 'nodesweep.io/run-at');

  it('requests a run with its annotation, with a new value each time', async () => {
    server.putPolicy('nightly', 'schedule: "0 3 * * *"');
    const { stdout, exitCode } = await nodesweep('run', 'nightly');
    expect(stdout).toMatch(/^requested run nightly-r[0-9a-z]{9}; to see it: nodesweep status nightly$/);
    expect(exitCode).toBe(0);
    const first = annotationOf();
    expect(first).toMatch(/^\d{4}-/);
    await nodesweep('run', 'nightly');
    expect(annotationOf()).not.toBe(first);
  });

  /** Starts `run --follow`, and its run once it is requested. */
  async function follow(...options: readonly string[]) {
    server.putPolicy('nightly', 'schedule: "0 3 * * *"');
    const following = startProgramFor(server, ['run', 'nightly', '--follow', ...options]);
    const request = await waitFor('the request', 30_000, async () => annotationOf());
    const name = runName('nightly', { type: 'Request', request });
    return { following, name, own: { name, trigger: { type: 'Request', request } } as const };
  }

  it.each([
    ['Succeeded', { a: succeeded, b: succeeded }, 0],
    ['Failed', { a: failed, b: failed }, 1],
    ['Failed', { a: failed, b: succeeded }, 4],
  ] as const)('follows it to its end; if it has %s on the nodes %j, it exits with %i', async (phase, nodes, code) => {
    const { following, name, own } = await follow();
    server.putRun('nightly', { ...own, phase: 'Running' }, { a: started(waiting, 0), b: succeeded });
    let output = '';
    following.stdout?.on('data', (text) => {
      output += text;
    });
    await waitFor('progress', 30_000, async () => output.includes('1 of 2 nodes') || undefined);
    const reason = phase === 'Failed' ? 'NodesFailed' : 'Completed';
    server.putRun('nightly', { ...own, ...ended, phase, reason }, nodes);
    const { stdout, exitCode } = await following;
    expect(stdout).toContain('1 of 2 nodes: 1 succeeded, 0 failed, 0 skipped');
    expect(stdout.split('\n').at(-1)).toMatch(new RegExp(`^run ${name}: .* of 2 nodes succeeded`));
    expect(exitCode).toBe(code);
  });

  it('exits with 1 if no node matched, with the things to check (H15, P7)', async () => {
    const { following, name, own } = await follow();
    const message = 'no node of the cluster matches the policy: check its field nodes';
    const end = { ...ended, phase: 'Failed', reason: 'NoMatchingNodes', message } as const;
    server.putRun('nightly', { ...own, ...end }, {});
    const { stdout, exitCode } = await following;
    expect(stdout).toContain(`run ${name}: NoMatchingNodes: ${message}`);
    expect(exitCode).toBe(1);
  });

  it('exits with 3 if a newer request replaces this one before it starts (H41)', async () => {
    const { following } = await follow();
    server.putRequest('nightly', 'another');
    const { stderr, exitCode } = await following;
    expect(stderr).toMatch(
      /^nodesweep: run nightly-r\w+ does not start: request "another" replaced it before it could$/,
    );
    expect(exitCode).toBe(3);
  });

  it('leaves a run that has started at Ctrl-C, says that it continues, and exits with 5', async () => {
    const { following, name, own } = await follow();
    server.putRun('nightly', { ...own, phase: 'Running' }, { a: started(waiting, 0) });
    await new Promise((resolve) =>
      following.stdout?.on('data', (text) => String(text).includes('0 of 1') && resolve(0)),
    );
    following.kill('SIGINT');
    expect(await following).toMatchObject({
      exitCode: 5,
      stderr: `nodesweep: stopped following run ${name}; it continues; to see it: nodesweep status nightly`,
    });
  });

  it('stops waiting for a run that does not start within --timeout, and exits with 3', async () => {
    const { following, name } = await follow('--timeout', '2s');
    expect(await following).toMatchObject({
      exitCode: 3,
      stderr: `nodesweep: stopped following run ${name} after 2s (--timeout); it is requested and may still start; to see it: nodesweep status nightly`,
    });
  });

  it.each(['0', '10', 'x', '5d'])('accepts as a timeout only a time with a unit, or seconds: %s', async (text) => {
    server.putPolicy('nightly', 'schedule: "61 * * * *"');
    const { stderr, exitCode } = await nodesweep('run', 'nightly', '--follow', '--timeout', text);
    expect(stderr).toMatch(text === '10' ? /policy nightly is not valid/ : /must be a whole number with a unit/);
    expect(exitCode).toBe(2);
  });

  it('refuses a policy that would start no run, and changes nothing', async () => {
    server.putPolicy('nightly', 'schedule: "61 * * * *"');
    const { stderr, exitCode } = await nodesweep('run', 'nightly');
    expect(stderr).toMatch(/^nodesweep: policy nightly is not valid, so no run starts: schedule: minute: 61/);
    expect(exitCode).toBe(2);
    expect(annotationOf()).toBeUndefined();
  });
});
