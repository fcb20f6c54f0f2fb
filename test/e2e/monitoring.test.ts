import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { buildRecord } from '../../scheduler/kubernetes/objects.ts';
import { settled } from '../../scheduler/run/progress.ts';
import { buildPolicyObject, buildRun, tried } from '../helpers/builders.ts';
import { ended, tally } from '../helpers/ended-run.ts';
import { freePort } from '../helpers/free-port.ts';
import type { LoopbackApi } from '../helpers/loopback-api.ts';
import { SchedulerProcess } from '../helpers/scheduler-process.ts';

const top = join(import.meta.dirname, '../..');
const rulesFile = join(top, 'manifests/monitoring/rules.yaml');
const metricsOfRules = [...new Set((await readFile(rulesFile, 'utf8')).match(/\bnodesweep_\w+/g))];
const has = async (command: string) => !(await execa(command, ['--version'], { reject: false })).failed;
// Nothing is installed for a cluster that somebody else has started.
const isMissing = process.env.KUBECONFIG !== undefined && !((await has('promtool')) && (await has('prometheus')));
if (isMissing) console.warn('skipped: promtool and prometheus are missing; Debian has both in the package prometheus');

describe.skipIf(isMissing)('promtool (H64)', () => {
  it('accepts the rules', async () => {
    await execa('promtool', ['check', 'rules', rulesFile]);
  });

  it('finds each alert in its failing history, and not in its healthy one', async () => {
    await execa('promtool', ['test', 'rules', join(top, 'test/monitoring/rules.test.yaml')]);
  });
});

describe.skipIf(isMissing)('a real Prometheus that scrapes a real scheduler on loopback (H64)', () => {
  let directory: string;
  let scheduler: SchedulerProcess;
  let origin: string;
  let prometheus: ReturnType<typeof launch>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nodesweep-prometheus-'));
    scheduler = await SchedulerProcess.prepare();
    putObjects(scheduler.api);
    const port = await freePort();
    scheduler.start({ NODESWEEP_PORT: String(port) });
    const address = `127.0.0.1:${await freePort()}`;
    origin = `http://${address}`;
    const config = join(directory, 'prometheus.yml');
    await writeFile(
      config,
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [rulesFile],
        scrape_configs: [{ job_name: 'nodesweep', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
      }),
    );
    prometheus = launch(config, directory, address);
  });

  afterAll(async () => {
    prometheus?.kill('SIGTERM');
    await prometheus;
    await scheduler?.remove();
    await rm(directory, { recursive: true, force: true });
  });

  const ask = async (path: string) => (await fetch(`${origin}/api/v1/${path}`)).json() as Promise<{ data: Answer }>;
  const query = async (expr: string) => (await ask(`query?query=${encodeURIComponent(expr)}`)).data.result ?? [];

  it.each(metricsOfRules)('has the metric %s', { timeout: 150_000 }, async (metric) => {
    await vi.waitFor(async () => expect(await query(metric)).not.toEqual([]), { timeout: 120_000, interval: 500 });
  });

  it('reads the state of policies and disks', async () => {
    expect(await query('nodesweep_policy_valid{policy="broken"} == 0')).toHaveLength(1);
    expect(await query('nodesweep_kept_images{policy="nightly",reason="InUse"} == 12')).toHaveLength(1);
    expect(await query('nodesweep_node_disk_used_bytes{node="a",when="after"} == 84e9')).toHaveLength(1);
  });

  it('fires the alert of the run that failed, waits with others, and fires none of a scheduler that is there', async () => {
    const read = async () => {
      const { data } = await ask('rules');
      const rules = data.groups?.flatMap(({ rules }) => rules) ?? [];
      for (const { name, health } of rules) expect([name, health]).toEqual([name, 'ok']);
      return Object.fromEntries(rules.map(({ name, state }) => [name, state]));
    };
    await vi.waitFor(
      async () =>
        expect(await read()).toMatchObject({
          NodesweepRunFailed: 'firing',
          NodesweepNodesFailed: 'firing',
          NodesweepPolicyInvalid: 'pending',
          NodesweepDiskAboveTarget: 'pending',
          NodesweepImageSetProblem: 'pending',
          NodesweepSchedulerAbsent: 'inactive',
          NodesweepNoLeader: 'inactive',
          NodesweepRunPaused: 'inactive',
        }),
      { timeout: 120_000, interval: 500 },
    );
  });
});

interface Answer {
  readonly result?: readonly object[];
  readonly groups?: readonly {
    readonly rules: readonly { readonly name: string; readonly health: string; readonly state: string }[];
  }[];
}

/**
 * Puts a policy that is not valid, one whose last run failed on one of its nodes, one with an image list, and one with an image set
 * that is missing.
 */
function putObjects(api: LoopbackApi): void {
  const maps = '/api/v1/namespaces/nodesweep/configmaps';
  const putPolicy = (name: string, data: Readonly<Record<string, string>>) =>
    api.put(maps, name, { metadata: { labels: { 'nodesweep.io/kind': 'policy' } }, data });
  putPolicy('broken', { 'cleanup.yaml': 'schedule: never' });
  putPolicy('lists', {
    'prepull.yaml': 'schedule: "@yearly"\nlists: [{name: base, images: ["registry.test/api:1"]}]',
  });
  putPolicy('with-sets', { 'cleanup.yaml': 'schedule: "@yearly"\nsuspend: true\nimages: {excludeFrom: [frozen]}' });
  const { metadata } = putPolicy('nightly', { 'cleanup.yaml': 'schedule: "@yearly"' });
  for (const name of ['a', 'b'])
    api.put('/api/v1/nodes', name, {
      metadata: { labels: { 'kubernetes.io/os': 'linux' } },
      status: {
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
        nodeInfo: { containerRuntimeVersion: 'containerd://2.1.0', operatingSystem: 'linux' },
      },
    });
  const disk = { capacityBytes: 100e9, usedBeforeBytes: 84e9, usedAfterBytes: 84e9 };
  const nodes = new Map([
    [
      'a',
      settled(tried(1), 'Succeeded', {
        reason: 'TargetNotMet',
        tally: { ...tally, freedBytes: 0 },
        disk: { ...disk, kept: { InUse: { images: 12, bytes: 60e9 } } },
      }),
    ],
    ['b', settled(tried(4), 'Failed', { reason: 'NotStarted' })],
  ]);
  const run = buildRun({ schedule: '@yearly' }, { ...ended, phase: 'Failed', reason: 'NodesFailed', nodes });
  const owner = buildPolicyObject({}, { uid: metadata.uid ?? '' });
  api.put(maps, `${run.name}.run`, buildRecord('nodesweep', owner, run));
}

function launch(config: string, directory: string, address: string) {
  const options = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
  ];
  return execa('prometheus', options, { reject: false });
}
