import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { test as base, describe, vi } from 'vitest';
import { stringify } from 'yaml';
import { hash } from '../../../contract/labels.ts';
import { encodeStatus } from '../../../scheduler/status/status.ts';
import { buildContainer, buildImage, buildSimulatedNode } from '../../fixtures/simulated/node.ts';
import { LocalHost, type LocalProcess } from '../../helpers/local-host.ts';

const web = buildImage('docker.io/library/web:1');
const old = buildImage('docker.io/library/old:1');
const other = buildImage('docker.io/library/other:1');
const slow = buildImage('docker.io/library/slow:1', { removal: { kind: 'Late', ms: 1_000 } });
const node = buildSimulatedNode({ images: [web, old], containers: [buildContainer(web)] });
const nightly = { schedule: '0 3 * * *', images: { keepSideLoaded: false } };

interface Fixtures {
  /** A machine with one node, `east`. */
  readonly host: LocalHost;
  /** Starts a scheduler on a host; it ends with the test. */
  readonly start: (host: LocalHost) => LocalProcess;
}

const test = base.extend<Fixtures>({
  host: async ({ task: _ }, use) => {
    const host = await LocalHost.create({ east: node });
    await use(host);
    await host.remove();
  },
  start: async ({ host: _ }, use) => {
    const started: LocalProcess[] = [];
    await use((host) => {
      const local = host.start();
      started.push(local);
      return local;
    });
    await Promise.all(started.map((local) => local.end('SIGTERM')));
  },
});

/** All that is left behind by a scheduler that ran two years ago. */
function statusOfTwoYearsAgo(policy: string): string {
  const scheduleSince = new Date(Date.now() - 2 * 366 * 86_400_000);
  const status = { policyUid: hash(policy, 12), observedVersion: 'earlier', valid: true, problems: [], scheduleSince };
  return stringify(encodeStatus(status));
}

describe.concurrent('nodesweep local', () => {
  test('a request runs the policy on every endpoint, and the record is on disk', async ({ host, start, expect }) => {
    host.setNodes({ east: node, west: node });
    await host.writePolicy('nightly', nightly, 'please');
    const local = start(host);
    await local.line('2 of 2 nodes succeeded; 2 images removed');

    expect(host.imagesOf('east')).toEqual(['docker.io/library/web:1']);
    expect(host.imagesOf('west')).toEqual(['docker.io/library/web:1']);
    const [run] = await host.runs();
    expect(run).toMatchObject({
      policy: 'nightly',
      phase: 'Succeeded',
      trigger: { type: 'Request', request: 'please' },
    });
    expect([...(run?.nodes.keys() ?? [])]).toEqual(['east', 'west']);
    const image = JSON.parse(await local.line('"outcome":"removed"'));
    expect(image).toMatchObject({ event: 'image', names: ['docker.io/library/old:1'], policy: 'nightly' });
  });

  test('keeps the images of lists, also while their file is broken (P11)', async ({ host, start, expect }) => {
    const document = { schedule: '0 3 * * *', newNodes: false, lists: [{ name: 'base', images: ['old:1'] }] };
    await host.writeLists('lists', document);
    await host.writePolicy('nightly', nightly, 'first');
    const local = start(host);
    await local.line('1 of 1 nodes succeeded; 0 images removed');

    await host.write('policies/lists.yaml', 'kind: [');
    await local.line('policies/lists.yaml:');
    await host.writePolicy('nightly', nightly, 'second');
    await vi.waitFor(async () => expect(await host.runs()).toHaveLength(2), 20_000);
    await vi.waitFor(async () => {
      const states = (await host.runs()).map(({ phase }) => phase);
      expect(states).toEqual(['Succeeded', 'Succeeded']);
    }, 20_000);
    expect(host.imagesOf('east')).toContain('docker.io/library/old:1');
  });

  test('ConfigMaps of image sets in the directory are sets; a missing one removes nothing, and an edited one counts for the next run (S3, S4, S6, S7)', async ({
    host,
    start,
    expect,
  }) => {
    const images = { keepSideLoaded: false, minAge: '1h', excludeFrom: ['frozen'], removeFrom: ['cve'] };
    const policy = { schedule: '0 3 * * *', images };
    const busy = buildSimulatedNode({ images: [web, old, other], containers: [buildContainer(web)] });
    host.setNodes({ east: busy });
    await host.writeSet('cve', { list: 'web:1 # CVE-1\nold:1 # CVE-2026-1234 critical\nother:1 # CVE-3' });
    await host.writePolicy('nightly', policy, 'first');
    const local = start(host);
    await local.line('0 of 1 nodes succeeded, 1 failed');
    expect(host.imagesOf('east')).toHaveLength(3);
    expect(local.lines.join('\n')).toContain(
      'images.excludeFrom[0]: image set frozen does not exist in the directory of the policies',
    );

    await host.writeSet('frozen', { list: 'other:1 # release 12' });
    await host.writePolicy('nightly', policy, 'second');
    await local.line('1 of 1 nodes succeeded; 1 images removed');
    expect(host.imagesOf('east')).toEqual(['docker.io/library/web:1', 'docker.io/library/other:1']);
    expect(local.lines.join('\n')).toContain('image set frozen: release 12');
    expect(local.lines.join('\n')).toContain('image set cve: CVE-2026-1234 critical');
    expect(local.lines.join('\n')).toContain('because of image sets: cve (1 removed), frozen (1 kept)');

    await host.writeSet('frozen', { list: '# nothing' });
    await vi.waitFor(
      async () => {
        await host.writePolicy('nightly', policy, `third-${Date.now()}`);
        expect(host.imagesOf('east')).toEqual(['docker.io/library/web:1']);
      },
      { timeout: 60_000, interval: 3_000 },
    );
  });

  test('C4, C8: a missed scheduled time starts one run, and none again after a restart', async ({
    host,
    start,
    expect,
  }) => {
    await host.writePolicy('yearly', { schedule: '@yearly' });
    await host.write('state/statuses/yearly.yaml', statusOfTwoYearsAgo('yearly'));
    const first = start(host);
    await first.line('1 of 1 nodes succeeded');
    await first.end('SIGTERM');

    const second = start(host);
    await host.writePolicy('fence', nightly, 'now');
    await second.line('1 of 1 nodes succeeded');

    expect(second.lines.filter((line) => line.includes('yearly-'))).toEqual([]);
    expect((await host.runs()).map(({ policy, trigger }) => [policy, trigger.type])).toEqual([
      ['fence', 'Request'],
      ['yearly', 'Schedule'],
    ]);
  });

  test('a bare document is a policy with the name of its directory, and an old file starts no run for an old scheduled time', async ({
    host,
    start,
    expect,
  }) => {
    await host.write('policies/yearly/cleanup.yaml', 'schedule: "@yearly"');
    await host.writePolicy('fence', nightly, 'now');
    await start(host).line('1 of 1 nodes succeeded');

    expect(await host.files('statuses')).toEqual(['fence.yaml', 'yearly.yaml']);
    expect((await host.runs()).map(({ policy }) => policy)).toEqual(['fence']);
  });

  test('C40: files that are not valid are logged with their path, and the valid policy beside them runs', async ({
    host,
    start,
    expect,
  }) => {
    await host.write('policies/broken.yaml', 'kind: ConfigMap\ndata: {');
    await host.write('policies/wrong/cleanup.yaml', 'schedule: "61 * * * *"\nsuspnd: true');
    await host.writePolicy('good', nightly, 'now');
    const local = start(host);
    await local.line('1 of 1 nodes succeeded');

    expect(await local.line(`${host.policies}/broken.yaml:`)).toContain('"level":"warn"');
    expect(await local.line(`${host.policies}/wrong/cleanup.yaml:1:1: schedule: `)).toContain('"level":"warn"');
    expect(
      await local.line(`${host.policies}/wrong/cleanup.yaml:2:1: suspnd: is not a known field; did you mean suspend?`),
    ).toBeDefined();
  });

  test('T14: after SIGINT, even twice, the current removal finishes, and the next process reads its report', async ({
    host,
    start,
    expect,
  }) => {
    host.setNodes({ east: buildSimulatedNode({ images: [slow] }) });
    await host.writePolicy('nightly', nightly, 'now');
    const first = start(host);
    await first.line('"reason":"FirstRun"');
    await vi.waitUntil(() => host.imagesOf('east').length === 0, { timeout: 10_000 });
    void first.end('SIGINT');
    await first.line('"msg":"stopping"');
    expect(await first.end('SIGINT')).toEqual({ exitCode: 0, stderr: '' });
    expect(await first.line('"event":"report"')).toContain('"removed":1');

    await start(host).line('1 of 1 nodes succeeded; 1 images removed');
    expect(await host.files('pods')).toHaveLength(1);
  });

  test('a cleaner outlives a scheduler that is killed, and the next one waits for its report', async ({
    host,
    start,
    expect,
  }) => {
    host.setNodes({ east: buildSimulatedNode({ images: [slow] }) });
    await host.writePolicy('nightly', nightly, 'now');
    const first = start(host);
    await first.line('"reason":"FirstRun"');
    const killed = first.end('SIGKILL');

    await start(host).line('1 of 1 nodes succeeded; 1 images removed');
    await killed;
    expect((await host.runs()).map(({ nodes }) => nodes.get('east')?.attempts)).toEqual([1]);
    expect(await host.files('pods')).toHaveLength(1);
  });

  test('C31: deleting a policy removes its pods and records; a file that is not valid deletes nothing', async ({
    host,
    start,
    expect,
  }) => {
    await host.writePolicy('nightly', nightly, 'now');
    const local = start(host);
    await local.line('1 of 1 nodes succeeded');
    await host.write('policies/nightly.yaml', 'kind: ConfigMap\ndata: {');
    await local.line(`${host.policies}/nightly.yaml:`);
    expect([await host.files('statuses'), (await host.files('runs')).length]).toEqual([['nightly.yaml'], 1]);

    await rm(join(host.policies, 'nightly.yaml'));
    await vi.waitUntil(async () => (await host.files('pods')).length === 0, { timeout: 5_000 });
    expect([await host.files('statuses'), await host.files('runs'), await host.files('jobs')]).toEqual([[], [], []]);
  });

  test('a second process cannot use the state directory of the first', async ({ host, start, expect }) => {
    await start(host).line('the scheduler is ready');
    const { exitCode, stderr } = await start(host).ended();

    expect(exitCode).toBe(2);
    expect(stderr).toContain(`another nodesweep local uses ${host.state}; stop it, or set another`);
  });

  test('a missing directory of policies is named', async ({ host, start, expect }) => {
    await rm(host.policies, { recursive: true });
    const { exitCode, stderr } = await start(host).ended();

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/the directory of the policies can't be read: .*\/policies'/);
  });
});
