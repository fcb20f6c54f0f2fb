import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { runKinds } from '../../scheduler/kinds.ts';
import { describeRun } from '../../scheduler/overview/overview.ts';
import { parsePolicy } from '../../scheduler/policy/parse.ts';
import { decodeRun, encodeRun, RunRecordError } from '../../scheduler/run/record.ts';
import { buildNode, secondsLater, start } from '../helpers/builders.ts';
import { inspection } from '../helpers/inspection.ts';
import { InspectionScheduler, inspectionKinds as kinds } from '../helpers/inspection-scheduler.ts';

const document = {
  schedule: '0 * * * *',
  rollout: { canary: 1, parallelism: 2, restartLimit: 1 },
  files: ['/etc/hosts', '/etc/motd'],
};

/** A scheduler with a policy of the made-up kind: four nodes to inspect, and one that can't be. */
function buildScheduler(): InspectionScheduler {
  const scheduler = new InspectionScheduler(document, ['a', 'b', 'c', 'd']);
  scheduler.cluster.nodes = [...scheduler.cluster.nodes, buildNode('e')];
  return scheduler;
}

/** Plays a run in which a node is tried twice, and another fails. Each pass is that of a new process. */
async function playRun(): Promise<InspectionScheduler> {
  const scheduler = buildScheduler();
  const pass = async (seconds: number) => {
    scheduler.restart();
    await scheduler.pass(secondsLater(seconds));
    return scheduler.pods();
  };
  expect(await pass(0)).toEqual(['a#0']);
  scheduler.end('a', 0, ['/etc/motd']);
  expect(await pass(10)).toEqual(['a#0', 'b#0', 'c#0']);
  scheduler.end('b', 139);
  scheduler.end('c', 3);
  expect(await pass(20)).toEqual(['a#0', 'b#0', 'c#0', 'd#0']);
  expect(await pass(30)).toEqual(['a#0', 'b#0', 'b#1', 'c#0', 'd#0']);
  scheduler.end('b', 0, ['/etc/motd', '/etc/hosts']);
  scheduler.end('d', 0);
  await pass(40);
  return scheduler;
}

it('another kind of policy has the same rollout: canary, waves, a further attempt, a failure, and its end', async () => {
  const scheduler = await playRun();
  const [run] = scheduler.runs();
  expect(run).toMatchObject({ kind: inspection, phase: 'Failed', message: '1 of 5 nodes failed' });
  expect([...(run?.nodes ?? [])]).toMatchObject([
    ['a', { result: 'Succeeded', tally: { missing: ['/etc/motd'] } }],
    ['b', { result: 'Succeeded', attempts: 2, tally: { missing: ['/etc/motd', '/etc/hosts'] } }],
    ['c', { result: 'Failed', attempts: 1, reason: 'Unreadable' }],
    ['d', { result: 'Succeeded', tally: { missing: [] } }],
    ['e', { result: 'Skipped', reason: 'NoLocalDisk' }],
  ]);
  expect([...scheduler.cluster.jobs.values()]).toEqual([{ files: ['/etc/hosts', '/etc/motd'] }]);
});

it('its record, status and events have its own words and figures', async () => {
  const { cluster } = await playRun();
  const [stored] = cluster.records.values();
  const record = parse(stored?.data['run.yaml'] ?? '');
  expect(record).toMatchObject({ kind: 'inspect', findings: { missing: { '/etc/motd': 2, '/etc/hosts': 1 } } });
  expect(record).not.toHaveProperty('images');
  expect(cluster.events.map(({ message }) => message)).toEqual([
    expect.stringContaining('started for'),
    expect.stringMatching(/3 of 5 nodes succeeded, 1 failed, 1 skipped; 2 files are missing; c: Unreadable/),
  ]);
  const [status] = cluster.state().statuses.values();
  expect(status?.value?.conditions).toContainEqual(expect.objectContaining({ type: 'Degraded', status: 'True' }));
  const run = decodeRun(stored?.data ?? {}, kinds);
  expect(describeRun(run)).toMatchObject({ nodes: { succeeded: 3 }, findings: { missing: { '/etc/hosts': 1 } } });
});

it('its record is read back as it was written, and is refused by a scheduler that does not know the kind', async () => {
  const [stored] = (await playRun()).cluster.records.values();
  const run = decodeRun(stored?.data ?? {}, kinds);
  expect(decodeRun(encodeRun(run), kinds)).toEqual(run);
  expect(() => decodeRun(stored?.data ?? {}, runKinds)).toThrow(RunRecordError);
});

it('a pod that does not start is reported in its words, and so is a run without a node to work on', async () => {
  const late = buildScheduler();
  await late.pass(start);
  late.change('a', { phase: 'Pending' });
  await late.pass(secondsLater(61));
  expect(late.runs()[0]?.nodes.get('a')).toMatchObject({
    message: expect.stringMatching(/^the inspector did not start within 60 s/),
  });
  const none = new InspectionScheduler(document, []);
  none.cluster.nodes = [buildNode('e')];
  await none.pass(start);
  expect(none.runs()[0]).toMatchObject({ message: 'none of the matching nodes could be inspected' });
});

it('every problem of its policy is reported, and a ConfigMap with two kinds of policies is no policy', () => {
  const problemsOf = (data: Record<string, string>) => {
    const parsed = parsePolicy('nightly', data, kinds);
    return parsed.valid ? [] : parsed.problems.map(({ path, message }) => `${path}: ${message}`);
  };
  expect(problemsOf({ 'inspect.yaml': 'schedule: "61 * * * *"\nimages: {}' })).toEqual([
    expect.stringContaining('schedule: '),
    'files: is required',
    'images: is not a known field',
  ]);
  expect(problemsOf({ 'inspect.yaml': JSON.stringify(document), 'cleanup.yaml': 'schedule: "@daily"' })).toEqual([
    'data: has both cleanup.yaml and inspect.yaml; make two ConfigMaps of them',
  ]);
});
