import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildRecord, buildStatus } from '../scheduler/kubernetes/objects.ts';
import type { NodeProgress, Run } from '../scheduler/run/run.ts';
import type { PolicyStatus } from '../scheduler/status/status.ts';
import { waitFor } from './cluster/wait.ts';
import { buildPolicyObject, buildRun, secondsLater } from './helpers/builders.ts';
import { LoopbackApi } from './helpers/loopback-api.ts';

const main = join(import.meta.dirname, '../main.ts');
const maps = '/api/v1/namespaces/nodesweep/configmaps';
const tally = { planned: 0, removed: 3, failed: 0, skipped: 0, unknown: 0, freedBytes: 3 * 2 ** 30, nominalBytes: 0 };
const minutesAgo = (minutes: number) => secondsLater(-60 * minutes, new Date());

let server: LoopbackApi;
let directory: string;

beforeEach(async () => {
  server = new LoopbackApi();
  await server.start();
  directory = await mkdtemp(join(tmpdir(), 'nodesweep-status-'));
  await writeFile(join(directory, 'kubeconfig'), server.config.exportConfig());
});
afterEach(async () => {
  await server.stop();
  await rm(directory, { recursive: true, force: true });
});

function start(...arguments_: readonly string[]) {
  const { KUBERNETES_SERVICE_HOST: _, ...environment } = process.env;
  const env = { ...environment, KUBECONFIG: join(directory, 'kubeconfig') };
  return execa(process.execPath, [main, ...arguments_], { reject: false, extendEnv: false, env });
}

async function nodesweep(...arguments_: readonly string[]) {
  const { stdout, stderr, exitCode } = await start(...arguments_);
  return { stdout, stderr, exitCode };
}

function putPolicy(name: string, text: string, status: Partial<PolicyStatus> = {}) {
  const { metadata } = server.put(maps, name, {
    metadata: { labels: { 'nodesweep.io/kind': 'policy' } },
    data: { 'cleanup.yaml': text },
  });
  const observed = { policyUid: metadata.uid ?? '', observedVersion: metadata.resourceVersion ?? '' };
  const full = { ...observed, valid: true, problems: [], scheduleSince: minutesAgo(1000), ...status };
  const object = buildPolicyObject({}, { name, uid: metadata.uid ?? '' });
  server.put(maps, `${name}.status`, buildStatus('nodesweep', object, full));
}

function putRun(policy: string, run: Partial<Run>, nodes: Readonly<Record<string, NodeProgress>>) {
  const full = buildRun({}, { name: `${policy}-1`, policy, nodes: new Map(Object.entries(nodes)), ...run });
  const object = buildPolicyObject({}, { name: policy, uid: `uid-of-${policy}` });
  server.put(maps, `${full.name}.run`, buildRecord('nodesweep', object, full));
}

const ended = {
  startedAt: minutesAgo(60),
  finishedAt: minutesAgo(58),
  phase: 'Succeeded',
  reason: 'Completed',
} as const;
const succeeded: NodeProgress = { attempts: 1, result: 'Succeeded', tally };
const failed: NodeProgress = { attempts: 4, result: 'Failed', reason: 'NotStarted', message: 'no such socket' };

describe('nodesweep status', () => {
  it('shows every policy in a line, with its last run and its next slot (C32)', async () => {
    putPolicy('nightly', 'schedule: "0 3 * * *"', { nextSlot: minutesAgo(-61) });
    putRun('nightly', ended, { a: succeeded, b: succeeded });
    putPolicy('rare', 'schedule: "@yearly"\ntimeZone: Europe/Berlin\nsuspend: true');
    const { stdout, exitCode } = await nodesweep('status');
    expect(stdout.split('\n').map((line) => line.split(/\s{2,}/))).toEqual([
      ['POLICY', 'STATE', 'SCHEDULE', 'NEXT', 'LAST RUN', 'OUTCOME', 'NODES', 'FREED'],
      ['nightly', 'Valid', '0 3 * * *', 'in 1h', '1h ago', 'Succeeded', '2/2', '6GiB'],
      ['rare', 'Suspended', '@yearly Europe/Berlin', '-', '-', '-', '-', '-'],
    ]);
    expect(exitCode).toBe(0);
  });

  it('names what is wrong with a policy, and exits with 1 (C3)', async () => {
    putPolicy('broken', 'schedule: "61 * * * *"\nrollout: {parallelism: 0}');
    const { stdout, exitCode } = await nodesweep('status');
    expect(stdout).toMatch(/^broken +Invalid/m);
    expect(stdout).toMatch(/^broken: schedule: minute: 61/m);
    expect(stdout).toMatch(/^broken: rollout\.parallelism: must be/m);
    expect(exitCode).toBe(1);
  });

  it('shows the runs of one policy and why nodes failed, and exits with 1 where the last run has failed (C32)', async () => {
    putPolicy('nightly', 'schedule: "0 3 * * *"');
    putRun('nightly', { ...ended, phase: 'Failed', reason: 'NodesFailed' }, { a: succeeded, b: failed });
    putRun('nightly', { ...ended, name: 'nightly-0', startedAt: minutesAgo(120) }, { a: succeeded });
    putPolicy('other', 'schedule: "@daily"');
    const { stdout, exitCode } = await nodesweep('status', 'nightly');
    expect(stdout).not.toContain('other');
    expect(stdout).toMatch(/^nightly-1 +1h ago +\S+ +Failed +NodesFailed +1\/2, 1 failed +3 removed +3GiB$/m);
    expect(stdout.indexOf('nightly-1')).toBeLessThan(stdout.indexOf('nightly-0'));
    expect(stdout).toMatch(
      /^Nodes of nightly-1:\nNODE +RESULT +REASON +MESSAGE\nb +Failed +NotStarted +no such socket$/m,
    );
    expect(exitCode).toBe(1);
  });

  it('tells that no scheduler has looked at a policy as it is now', async () => {
    putPolicy('new', 'schedule: "@daily"', { observedVersion: '1' });
    expect((await nodesweep('status')).stdout).toMatch(/^new +Unobserved +@daily +- /m);
  });

  it.each(['json', 'yaml'])('tells the same to programs, as %s', async (format) => {
    putPolicy('nightly', 'schedule: "0 3 * * *"');
    putRun('nightly', ended, { a: succeeded });
    const { stdout } = await nodesweep('status', '-o', format, 'nightly');
    const { parse } = await import('yaml');
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

  it('names a record that can not be read, shows the others, and exits with 1', async () => {
    putPolicy('nightly', 'schedule: "0 3 * * *"');
    server.put(maps, 'damaged.run', { metadata: { labels: { 'nodesweep.io/kind': 'run' } }, data: {} });
    const { stdout, stderr, exitCode } = await nodesweep('status');
    expect(stdout).toContain('nightly');
    expect(stderr).toContain("nodesweep: ConfigMap damaged.run can't be read: ");
    expect(exitCode).toBe(1);
  });

  it('exits with 2 for a policy that is not there, and names those that are', async () => {
    putPolicy('nightly', 'schedule: "0 3 * * *"');
    expect(await nodesweep('status', 'nightli')).toMatchObject({
      stderr: 'nodesweep: there is no policy nightli; there is nightly',
      exitCode: 2,
    });
  });

  it('exits with 2 where no API server answers, and says so', async () => {
    await server.stop();
    const { stderr, exitCode } = await nodesweep('status');
    expect(stderr).toMatch(/^nodesweep: could not list configmaps: .*ECONNREFUSED/);
    expect(exitCode).toBe(2);
  });
});

describe('nodesweep run', () => {
  const annotationOf = () => server.objects.get(`${maps}/nightly`)?.metadata.annotations?.['nodesweep.io/run-at'];

  it('asks for a run with the annotation that does so, a new one each time', async () => {
    putPolicy('nightly', 'schedule: "0 3 * * *"');
    const { stdout, exitCode } = await nodesweep('run', 'nightly');
    expect(stdout).toMatch(/^asked for run nightly-r[0-9a-z]{9}; nodesweep status nightly shows it$/);
    expect(exitCode).toBe(0);
    const first = annotationOf();
    expect(first).toMatch(/^\d{4}-/);
    await nodesweep('run', 'nightly');
    expect(annotationOf()).not.toBe(first);
  });

  it.each([
    ['Succeeded', 0],
    ['Failed', 1],
  ] as const)('follows it to its end; where it has %s, it exits with %i', async (phase, code) => {
    putPolicy('nightly', 'schedule: "0 3 * * *"');
    const following = start('run', 'nightly', '--follow');
    const request = await waitFor('the request', 30_000, async () => annotationOf());
    const { runName } = await import('../scheduler/run/names.ts');
    const name = runName('nightly', { type: 'Request', request });
    const own = { name, trigger: { type: 'Request', request } } as const;
    putRun('nightly', { ...own, phase: 'Running' }, { a: { attempts: 1 }, b: succeeded });
    let output = '';
    following.stdout?.on('data', (text) => {
      output += text;
    });
    await waitFor('progress', 30_000, async () => output.includes('1 of 2 nodes') || undefined);
    const nodes = { a: phase === 'Failed' ? failed : succeeded, b: succeeded };
    putRun('nightly', { ...own, ...ended, phase }, nodes);
    const { stdout, exitCode } = await following;
    expect(stdout).toContain('1 of 2 nodes: 1 succeeded, 0 failed, 0 skipped');
    expect(stdout.split('\n').at(-1)).toMatch(new RegExp(`^run ${name}: .* of 2 nodes succeeded`));
    expect(exitCode).toBe(code);
  });

  it('refuses a policy that would start no run, and changes nothing', async () => {
    putPolicy('nightly', 'schedule: "61 * * * *"');
    const { stderr, exitCode } = await nodesweep('run', 'nightly');
    expect(stderr).toMatch(/^nodesweep: policy nightly is not valid and starts no run: schedule: minute: 61/);
    expect(exitCode).toBe(2);
    expect(annotationOf()).toBeUndefined();
  });
});
