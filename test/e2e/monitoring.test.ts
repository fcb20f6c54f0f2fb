import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { freePort } from '../helpers/free-port.ts';
import { SchedulerProcess } from '../helpers/scheduler-process.ts';

const top = join(import.meta.dirname, '../..');
const rules = join(top, 'manifests/monitoring/rules.yaml');
const has = async (command: string) => !(await execa(command, ['--version'], { reject: false })).failed;
const isInstalled = (await has('promtool')) && (await has('prometheus'));
if (!isInstalled)
  console.warn('skipped: promtool and prometheus are missing; Debian has both in the package prometheus');

describe.skipIf(!isInstalled)('promtool (H64)', () => {
  it('accepts the rules', async () => {
    await execa('promtool', ['check', 'rules', rules]);
  });

  it('finds each alert in its failing history, and not in its healthy one', async () => {
    await execa('promtool', ['test', 'rules', join(top, 'test/monitoring/rules.test.yaml')]);
  });
});

describe.skipIf(!isInstalled)('a real Prometheus that scrapes a real scheduler on loopback (H64)', () => {
  let directory: string;
  let scheduler: SchedulerProcess;
  let origin: string;
  let prometheus: ReturnType<typeof launch>;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'nodesweep-prometheus-'));
    scheduler = await SchedulerProcess.prepare();
    scheduler.api.put('/api/v1/namespaces/nodesweep/configmaps', 'broken', {
      metadata: { labels: { 'nodesweep.io/kind': 'policy' } },
      data: { 'cleanup.yaml': 'schedule: never' },
    });
    const port = await freePort();
    scheduler.start({ NODESWEEP_PORT: String(port) });
    const address = `127.0.0.1:${await freePort()}`;
    origin = `http://${address}`;
    const config = join(directory, 'prometheus.yml');
    await writeFile(
      config,
      JSON.stringify({
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: [rules],
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

  it('reads the state of policies, and no alert of a scheduler that is there fires', async () => {
    await vi.waitFor(
      async () => {
        const { data } = await ask(`query?query=${encodeURIComponent('nodesweep_policy_valid{policy="broken"} == 0')}`);
        expect(data.result).toHaveLength(1);
      },
      { timeout: 120_000, interval: 1_000 },
    );
    const { data } = await ask('rules');
    const states = new Map(
      data.groups?.flatMap(({ rules }) => rules).map(({ name, health, state }) => [name, { health, state }]),
    );
    for (const [name, { health }] of states) expect([name, health]).toEqual([name, 'ok']);
    expect(states.get('NodesweepPolicyInvalid')?.state).toBe('pending');
    expect(states.get('NodesweepSchedulerAbsent')?.state).toBe('inactive');
    expect(states.get('NodesweepNoLeader')?.state).toBe('inactive');
  });
});

interface Answer {
  readonly result?: readonly object[];
  readonly groups?: readonly {
    readonly rules: readonly { readonly name: string; readonly health: string; readonly state: string }[];
  }[];
}

function launch(config: string, directory: string, address: string) {
  const options = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=${address}`,
  ];
  return execa('prometheus', options, { reject: false });
}
