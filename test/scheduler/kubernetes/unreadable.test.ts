import type { CoreV1Event, V1ConfigMap } from '@kubernetes/client-node';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse } from 'yaml';
import type { Condition } from '../../../scheduler/status/conditions.ts';
import type { LoopbackApi } from '../../helpers/loopback-api.ts';
import { LoopbackScheduler, maps } from '../../helpers/loopback-scheduler.ts';

let scheduler: LoopbackScheduler;
let server: LoopbackApi;

beforeEach(async () => {
  scheduler = await LoopbackScheduler.start();
  server = scheduler.server;
  for (const name of ['nightly', 'other']) scheduler.putPolicy(name);
  await vi.waitFor(() => expect(scheduler.cluster.state().policies).toHaveLength(2));
});
afterEach(() => scheduler.stop());

function putRecord(name: string, metadata: object, data: object = { 'run.yaml': '{{' }): void {
  const labels = { 'nodesweep.io/kind': 'run' };
  server.put(maps, name, { metadata: { labels, ...metadata }, data });
}

const statusOf = (policy: string) =>
  parse((server.objects.get(`${maps}/${policy}.status`) as V1ConfigMap | undefined)?.data?.['status.yaml'] ?? '');

const conditionOf = (policy: string, type: Condition['type']): Condition =>
  statusOf(policy).conditions.find((condition: Condition) => condition.type === type);

/** The messages of the Events about unreadable objects, with the names of their policies. */
const events = () =>
  [...server.objects.values()]
    .map((object) => object as unknown as CoreV1Event)
    .filter(({ reason }) => reason === 'ConfigMapUnreadable')
    .map(({ involvedObject, message }) => `${involvedObject.name}: ${message}`);

const seen = (configMap: string) =>
  vi.waitFor(() => expect(scheduler.cluster.state().unreadable).toMatchObject([{ policy: 'nightly', configMap }]));

describe('a record that cannot be read', () => {
  it.each([
    ['is no YAML', { 'run.yaml': 'a: [b' }],
    ['is of a version to come', { 'run.yaml': 'version: 7' }],
    ['is empty', {}],
    ['has a timestamp that is none', { 'run.yaml': 'version: 1\npolicy: nightly\nrun: nightly-1\nstartedAt: soon' }],
    ['has no nodes', { 'run.yaml': 'version: 1', 'nodes.json': '[' }],
  ])('because it %s is in the status and in one Event, and is kept (H35)', async (_title, data) => {
    putRecord('nightly-1.run', { ownerReferences: [{ uid: 'uid-of-nightly', name: 'nightly' }] }, data);
    await seen('nightly-1.run');
    for (let passes = 0; passes < 3; passes += 1) await scheduler.pass();
    const words =
      /ConfigMap nightly-1\.run can't be read \(RunRecordError: .*\): delete it if it was damaged by hand, or run the version/;
    expect(conditionOf('nightly', 'Degraded')).toMatchObject({
      status: 'True',
      reason: 'ConfigMapUnreadable',
      message: expect.stringMatching(words),
    });
    expect(events()).toEqual([expect.stringMatching(words)]);
    expect(server.objects.get(`${maps}/nightly-1.run`)).toMatchObject({ data });
  });

  it('affects neither the runs of its policy nor other policies (H32)', async () => {
    putRecord('nightly-1.run', { ownerReferences: [{ uid: 'uid-of-nightly', name: 'nightly' }] });
    await seen('nightly-1.run');
    await scheduler.pass();
    await scheduler.pass();
    expect(statusOf('nightly').lastRun).toMatch(/^nightly-\d+$/);
    expect(statusOf('other').lastRun).toMatch(/^other-\d+$/);
    expect(conditionOf('other', 'Degraded')).toMatchObject({ reason: 'NoMatchingNodes' });
  });

  it('is not reported again by a process that starts later, and is forgotten when it no longer exists (H35)', async () => {
    putRecord('nightly-1.run', { labels: { 'nodesweep.io/kind': 'run', 'nodesweep.io/policy': 'nightly' } });
    await seen('nightly-1.run');
    await scheduler.pass();
    await scheduler.restart();
    await scheduler.pass();
    expect(events()).toHaveLength(1);
    server.remove(maps, 'nightly-1.run');
    await vi.waitFor(() => expect(scheduler.cluster.state().unreadable).toEqual([]));
    await scheduler.pass();
    expect(conditionOf('nightly', 'Degraded')).toMatchObject({ reason: 'NoMatchingNodes' });
  });

  it('is one of many after a downgrade: one Event names the first of them (H35)', async () => {
    for (let number = 1; number <= 30; number += 1)
      putRecord(`nightly-${number}.run`, { ownerReferences: [{ uid: 'uid-of-nightly', name: 'nightly' }] });
    await vi.waitFor(() => expect(scheduler.cluster.state().unreadable).toHaveLength(30));
    await scheduler.pass();
    await scheduler.pass();
    const [event, ...others] = events();
    expect(others).toEqual([]);
    expect(event).toMatch(/ and 25 others can't be read .*: delete those that were damaged by hand, or run/);
    expect(event?.length).toBeLessThan(1_024);
  });

  it('counts as a run that was started: its scheduled time is not tried again and again (C10, H35)', async () => {
    const minute = Math.floor(Date.now() / 86_400_000) * 1_440;
    putRecord(`nightly-${minute}.run`, { ownerReferences: [{ uid: 'uid-of-nightly', name: 'nightly' }] });
    await seen(`nightly-${minute}.run`);
    await scheduler.pass();
    expect(statusOf('nightly')).toMatchObject({ lastRun: `nightly-${minute}` });
    expect((await scheduler.pass()).nightly).toBeGreaterThan(10);
    expect(server.count('POST', ({ path }) => path === maps)).toBe(4);
  });

  it('of a deleted policy is deleted with it, and one that names no policy is kept', async () => {
    putRecord('gone-1.run', { labels: { 'nodesweep.io/kind': 'run', 'nodesweep.io/policy': 'gone' } });
    putRecord('nobody.run', {});
    await vi.waitFor(() =>
      expect(scheduler.cluster.state().orphans).toMatchObject([{ policy: 'gone', run: 'gone-1' }]),
    );
    const [orphan] = scheduler.cluster.state().orphans ?? [];
    if (orphan !== undefined) await scheduler.cluster.deleteOrphan(orphan);
    expect(server.objects.has(`${maps}/gone-1.run`)).toBe(false);
    expect(server.objects.has(`${maps}/nobody.run`)).toBe(true);
  });
});

describe('a status that cannot be read', () => {
  const putStatus = (text: string) =>
    server.put(maps, 'nightly.status', {
      metadata: {
        labels: { 'nodesweep.io/kind': 'status', 'nodesweep.io/policy': 'nightly' },
        ownerReferences: [{ uid: 'uid-of-nightly', name: 'nightly' }],
      },
      data: { 'status.yaml': text },
    });

  it.each(['{{', 'version: 2', ''])(
    '(%j) is written again, and its loss is in the status and in one Event (H35)',
    async (text) => {
      putStatus(text);
      await vi.waitFor(() => expect(scheduler.cluster.state().statuses.has('nightly')).toBe(true));
      for (let passes = 0; passes < 3; passes += 1) await scheduler.pass();
      const words =
        /ConfigMap nightly\.status could not be read \(.+\), so the scheduler wrote it again: .* nodesweep\.io\/run-at/;
      expect(conditionOf('nightly', 'Degraded')).toMatchObject({
        status: 'True',
        reason: 'StatusLost',
        message: expect.stringMatching(words),
      });
      expect(events()).toEqual([expect.stringMatching(words)]);
      expect(statusOf('other').lastRun).toMatch(/^other-/);
    },
  );
});
