import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { describeRun } from '../../cli/cluster/overview.ts';
import { Journals } from '../../scheduler/journal/journals.ts';
import { runKinds } from '../../scheduler/kinds.ts';
import { parsePolicy } from '../../scheduler/policy/parse.ts';
import { BackgroundTasks } from '../../scheduler/reconcile/background-tasks.ts';
import { reconcile } from '../../scheduler/reconcile/reconcile.ts';
import { decodeRun, encodeRun, RunRecordError } from '../../scheduler/run/record.ts';
import { buildNode, buildPolicyObject, secondsLater, start } from '../helpers/builders.ts';
import { FakeCluster } from '../helpers/fake-cluster.ts';
import { inspection } from '../helpers/inspection.ts';

const kinds = [...runKinds, inspection];
const log = { info: () => {}, warn: () => {}, error: (_: object, message: string) => expect.unreachable(message) };
const document = {
  schedule: '0 * * * *',
  rollout: { canary: 1, parallelism: 2, restartLimit: 1 },
  files: ['/etc/hosts', '/etc/motd'],
};

/** A cluster with a policy of the made-up kind: four nodes to inspect, without a runtime that is known, and one that can't be. */
function buildCluster(): FakeCluster {
  const cluster = new FakeCluster();
  const local = { labels: { disk: 'local' }, runtime: undefined };
  cluster.kinds = kinds;
  cluster.nodes = [...['a', 'b', 'c', 'd'].map((name) => buildNode(name, local)), buildNode('e')];
  cluster.policies = [buildPolicyObject({}, { data: { 'inspect.yaml': JSON.stringify(document) } })];
  return cluster;
}

/** One pass of a scheduler that was just started. */
async function pass(cluster: FakeCluster, now: Date): Promise<void> {
  cluster.now = now;
  const background = new BackgroundTasks(log);
  await reconcile(
    { cluster, log, journals: new Journals(), background, kinds, startTimeoutMs: 60_000 },
    'nightly',
    now,
  );
  await background.finish();
}

const podsOf = ({ pods }: FakeCluster) => [...pods.values()].map(({ node, attempt }) => `${node}#${attempt}`).sort();

/** Ends the newest pod of a node. */
function end(cluster: FakeCluster, node: string, exitCode: number, missing: readonly string[] = []): void {
  const pod = [...cluster.pods.values()].findLast((candidate) => candidate.node === node);
  if (pod === undefined) throw new Error(`node ${node} has no pod`);
  const phase = exitCode === 0 ? 'Succeeded' : 'Failed';
  cluster.pods.set(pod.name, { ...pod, phase, exitCode, containerMessage: JSON.stringify(missing) });
}

/** Plays a run in which a node is tried twice, and another fails. */
async function playRun(): Promise<FakeCluster> {
  const cluster = buildCluster();
  await pass(cluster, start);
  expect(podsOf(cluster)).toEqual(['a#0']);
  end(cluster, 'a', 0, ['/etc/motd']);
  await pass(cluster, secondsLater(10));
  expect(podsOf(cluster)).toEqual(['a#0', 'b#0', 'c#0']);
  end(cluster, 'b', 139);
  end(cluster, 'c', 3);
  await pass(cluster, secondsLater(20));
  expect(podsOf(cluster)).toEqual(['a#0', 'b#0', 'c#0', 'd#0']);
  await pass(cluster, secondsLater(30));
  expect(podsOf(cluster)).toEqual(['a#0', 'b#0', 'b#1', 'c#0', 'd#0']);
  end(cluster, 'b', 0, ['/etc/motd', '/etc/hosts']);
  end(cluster, 'd', 0);
  await pass(cluster, secondsLater(40));
  return cluster;
}

it('another kind of policy goes through the same rollout: canary, waves, a further try, a failure, and its end', async () => {
  const cluster = await playRun();
  const run = cluster.state().runs[0]?.value;
  expect(run).toMatchObject({ kind: inspection, phase: 'Failed', message: '1 of 5 nodes failed' });
  expect([...(run?.nodes ?? [])]).toMatchObject([
    ['a', { result: 'Succeeded', tally: { missing: ['/etc/motd'] } }],
    ['b', { result: 'Succeeded', attempts: 2, tally: { missing: ['/etc/motd', '/etc/hosts'] } }],
    ['c', { result: 'Failed', attempts: 1, reason: 'Unreadable' }],
    ['d', { result: 'Succeeded', tally: { missing: [] } }],
    ['e', { result: 'Skipped', reason: 'NoLocalDisk' }],
  ]);
  expect([...cluster.jobs.values()]).toEqual([{ files: ['/etc/hosts', '/etc/motd'] }]);
});

it('its record, status and events speak of it in its own words and figures', async () => {
  const cluster = await playRun();
  const [stored] = cluster.records.values();
  const record = parse(stored?.data['run.yaml'] ?? '');
  expect(record).toMatchObject({ kind: 'inspect', findings: { missing: { '/etc/motd': 2, '/etc/hosts': 1 } } });
  expect(record).not.toHaveProperty('images');
  expect(cluster.events.map(({ message }) => message)).toEqual([
    expect.stringContaining('started for'),
    expect.stringMatching(/3 of 5 nodes succeeded, 1 failed, 1 were skipped; 2 files are missing; c: Unreadable/),
  ]);
  const [status] = cluster.state().statuses.values();
  expect(status?.value?.conditions).toContainEqual(expect.objectContaining({ type: 'Degraded', status: 'True' }));
  const run = decodeRun(stored?.data ?? {}, kinds);
  expect(describeRun(run)).toMatchObject({ nodes: { succeeded: 3 }, findings: { missing: { '/etc/hosts': 1 } } });
});

it('its record is read back as it was written, and is refused by a scheduler that does not know the kind', async () => {
  const [stored] = (await playRun()).records.values();
  const run = decodeRun(stored?.data ?? {}, kinds);
  expect(decodeRun(encodeRun(run), kinds)).toEqual(run);
  expect(() => decodeRun(stored?.data ?? {}, runKinds)).toThrow(RunRecordError);
});

it('a pod that does not start is told of in its words, and so is a run without a node to work on', async () => {
  const late = buildCluster();
  await pass(late, start);
  for (const pod of late.pods.values()) late.pods.set(pod.name, { ...pod, phase: 'Pending' });
  await pass(late, secondsLater(61));
  expect(late.state().runs[0]?.value.nodes.get('a')).toMatchObject({
    message: expect.stringMatching(/^the inspector did not start within 60 s/),
  });
  const none = buildCluster();
  none.nodes = [buildNode('e')];
  await pass(none, start);
  expect(none.state().runs[0]?.value).toMatchObject({ message: 'none of the matching nodes could be inspected' });
});

it('every problem of its policy is told, and a ConfigMap with two kinds of policies is none', () => {
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
