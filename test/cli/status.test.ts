import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { ended, failed, succeeded, tally } from '../helpers/ended-run.ts';
import { runProgramFor } from '../helpers/program.ts';
import { minutesAgo, RecordsServer } from '../helpers/records-server.ts';

let server: RecordsServer;

beforeEach(async () => {
  server = await RecordsServer.start();
});
afterEach(() => server.remove());

const nodesweep = (...args: readonly string[]) => runProgramFor(server, args);

describe('nodesweep status', () => {
  it('shows every policy in a line, with its last run and its next scheduled time (C32)', async () => {
    server.putPolicy('nightly', 'schedule: "0 3 * * *"', { nextSlot: minutesAgo(-61) });
    server.putRun('nightly', ended, { a: succeeded, b: succeeded });
    server.putPolicy('rare', 'schedule: "@yearly"\ntimeZone: Europe/Berlin\nsuspend: true');
    const { stdout, exitCode } = await nodesweep('status');
    expect(stdout.split('\n').map((line) => line.split(/\s{2,}/))).toEqual([
      ['POLICY', 'STATE', 'SCHEDULE', 'NEXT', 'LAST RUN', 'OUTCOME', 'NODES', 'FREED'],
      ['nightly', 'Valid', '0 3 * * *', 'in 1h', '1h ago', 'Succeeded', '2/2', '6 GiB'],
      ['rare', 'Suspended', '@yearly Europe/Berlin', '-', '-', '-', '-', '-'],
    ]);
    expect(exitCode).toBe(0);
  });

  it('shows the problem of a policy, and exits with 1 (C3)', async () => {
    server.putPolicy('broken', 'schedule: "61 * * * *"\nrollout: {parallelism: 0}');
    const { stdout, exitCode } = await nodesweep('status');
    expect(stdout).toMatch(/^broken +Invalid/m);
    expect(stdout).toMatch(/^broken: schedule: minute: 61/m);
    expect(stdout).toMatch(/^broken: rollout\.parallelism: must be/m);
    expect(exitCode).toBe(1);
  });

  it('shows the runs of one policy with the reasons of failed nodes, and exits with 1 if the last run failed (C32)', async () => {
    server.putPolicy('nightly', 'schedule: "0 3 * * *"');
    server.putRun('nightly', { ...ended, phase: 'Failed', reason: 'NodesFailed' }, { a: succeeded, b: failed });
    server.putRun('nightly', { ...ended, name: 'nightly-0', startedAt: minutesAgo(120) }, { a: succeeded });
    server.putPolicy('other', 'schedule: "@daily"');
    const { stdout, exitCode } = await nodesweep('status', 'nightly');
    expect(stdout).not.toContain('other');
    expect(stdout).toMatch(/^nightly-1 +1h ago +\S+ +PartiallyFailed +NodesFailed +1\/2, 1 failed +3 removed +3 GiB$/m);
    expect(stdout.indexOf('nightly-1')).toBeLessThan(stdout.indexOf('nightly-0'));
    expect(stdout).toMatch(/^Failed nodes of nightly-1:\n1 node NotStarted: no such socket \(b\)$/m);
    expect(exitCode).toBe(1);
    const wide = await nodesweep('status', 'nightly', '-o', 'wide');
    expect(wide.stdout).toMatch(
      /^Nodes of nightly-1:\nNODE +RESULT +REASON +MESSAGE\nb +Failed +NotStarted +no such socket$/m,
    );
  });

  it('reports that no scheduler has read the current version of a policy', async () => {
    server.putPolicy('new', 'schedule: "@daily"', { observedVersion: '1' });
    expect((await nodesweep('status')).stdout).toMatch(/^new +Unobserved +@daily +- /m);
  });

  it.each(['json', 'yaml'])('shows the same for programs, as %s', async (format) => {
    server.putPolicy('nightly', 'schedule: "0 3 * * *"');
    server.putRun('nightly', ended, { a: succeeded });
    const { stdout } = await nodesweep('status', '-o', format, 'nightly');
    expect(parse(stdout)).toMatchObject({
      policy: 'nightly',
      valid: true,
      runs: [
        {
          run: 'nightly-1',
          phase: 'Succeeded',
          nodes: { desired: 1, succeeded: 1 },
          bytes: { freed: tally.freedBytes },
        },
      ],
    });
  });

  it('shows with --node the last run on a node, which is the newest with a record of it', async () => {
    server.putPolicy('nightly', 'schedule: "0 3 * * *"');
    server.putRun('nightly', ended, { a: succeeded });
    server.putRun('nightly', { ...ended, name: 'nightly-0', startedAt: minutesAgo(120) }, { a: succeeded, b: failed });
    const a = await nodesweep('status', 'nightly', '--node', 'a');
    expect(a.stdout).toMatch(/^Node: +a\nRun: +nightly-1, started 1h ago\nResult: +Succeeded\n/);
    expect(a.stdout).toContain('what a run would do now: nodesweep plan nightly --node a');
    expect(a.exitCode).toBe(0);
    const b = await nodesweep('status', 'nightly', '--node', 'b', '-o', 'json');
    expect(JSON.parse(b.stdout)).toMatchObject({ run: 'nightly-0', result: 'Failed', reason: 'NotStarted' });
    expect(b.exitCode).toBe(1);
  });

  it('exits with 2 for a node that no run has worked on, and for a node without a policy', async () => {
    server.putPolicy('nightly', 'schedule: "0 3 * * *"');
    expect(await nodesweep('status', 'nightly', '--node', 'x')).toMatchObject({
      stderr: expect.stringMatching(
        /^nodesweep: no recorded run of policy nightly has worked on node x; `nodesweep plan/,
      ),
      exitCode: 2,
    });
    expect(await nodesweep('status', '--node', 'x')).toMatchObject({
      stderr: expect.stringContaining('use `nodesweep status POLICY --node x`'),
      exitCode: 2,
    });
  });

  it('names a record that cannot be read, shows the others, and exits with 1', async () => {
    server.putPolicy('nightly', 'schedule: "0 3 * * *"');
    server.putDamagedRun('damaged');
    const { stdout, stderr, exitCode } = await nodesweep('status');
    expect(stdout).toContain('nightly');
    expect(stderr).toContain("nodesweep: ConfigMap damaged.run can't be read: ");
    expect(exitCode).toBe(1);
  });

  it('exits with 2 for a policy that does not exist, and names the existing ones', async () => {
    server.putPolicy('nightly', 'schedule: "0 3 * * *"');
    expect(await nodesweep('status', 'nightli')).toMatchObject({
      stderr: 'nodesweep: there is no policy nightli; the policies in this namespace are: nightly',
      exitCode: 2,
    });
  });

  it('exits with 2 if no API server answers, with a message', async () => {
    await server.stop();
    const { stderr, exitCode } = await nodesweep('status');
    expect(stderr).toMatch(/^nodesweep: could not list configmaps: .*ECONNREFUSED/);
    expect(exitCode).toBe(2);
  });
});
