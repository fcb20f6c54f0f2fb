import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { countKinds, isWrite, readCalls } from '../bench/audit.ts';
import { cacheDirectory } from '../cluster/cache.ts';
import { auditLog, type KwokCluster, NAMESPACE, startKwokCluster } from '../cluster/kwok.ts';
import { buildNodeObject } from '../cluster/kwok-nodes.ts';
import { isReady, launchScheduler, type SchedulerProcess, startScheduler } from '../cluster/kwok-scheduler.ts';
import type { Fate } from '../cluster/kwok-stages.ts';
import { progress } from '../cluster/progress.ts';
import { waitFor } from '../cluster/wait.ts';
import { BusyNodes } from './busy-nodes.ts';
import { buildPolicy, type RunDocument, readRuns, waitForRun } from './objects.ts';
import { PodLedger } from './pod-ledger.ts';
import { createRandom } from './random.ts';

let cluster: KwokCluster;
let ledger: PodLedger;
const schedulers: SchedulerProcess[] = [];
let nextPort = 18_080;
const underPressure = JSON.stringify({ status: { conditions: [{ type: 'DiskPressure', status: 'True' }] } });

describe.skipIf(process.env.KUBECONFIG !== undefined)('on a real control plane with simulated nodes', () => {
  beforeAll(async () => {
    const directory = join(cacheDirectory(), 'scale');
    cluster = await startKwokCluster({ directory, workTime: [500, 1_500] });
    ledger = await PodLedger.open(cluster.api);
  });
  afterEach(async () => {
    await Promise.all(schedulers.splice(0).map((scheduler) => scheduler.stop('SIGTERM')));
    expect(ledger.violations).toEqual([]);
  });
  afterAll(async () => {
    ledger?.close();
    await cluster?.stop();
  });

  it('cleaners have a quota of their own if pods of critical priority need one, and it limits nothing', async () => {
    const pod = {
      metadata: { generateName: 'critical-' },
      spec: { priorityClassName: 'system-node-critical', containers: [{ name: 'any', image: 'registry.test/any:1' }] },
    };
    const admit = (namespace: string) =>
      cluster.api.call('POST', `/api/v1/namespaces/${namespace}/pods?dryRun=All`, pod, [403, 500]);
    expect((await admit('default')).text).toContain('insufficient quota to match these scopes');
    expect(await admit(NAMESPACE)).toMatchObject({ code: 201 });
    const quota = await cluster.kubectl('get', 'resourcequota', '-n', NAMESPACE, '-o', 'jsonpath={.items[*].status}');
    expect(quota).toBe('{}');
  });

  it('a scheduler that is killed 20 times during a run over 200 nodes makes one run, with one pod on each node (C10, C15, C18)', async () => {
    const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 1e9));
    console.log(`SEED=${seed}`);
    const random = createRandom(seed);
    const nodes = await addNodes('killed', 200);
    await run('killed', { rollout: { parallelism: 4 } });
    for (let kill = 1; kill <= 20; kill += 1) {
      const scheduler = launch({ NODESWEEP_LEADER_ELECTION: 'false' });
      await waitFor('the scheduler to start', 120_000, async () => (await isReady(scheduler)) || undefined);
      await sleep(random() * 1_000);
      await scheduler.stop('SIGKILL');
    }
    expect(ledger.nodesOf((await onlyRun('killed')).run).length).toBeLessThan(200);
    await start();
    const ended = await waitForRun(cluster.kubectl, 'killed');
    expect(ended).toMatchObject({ phase: 'Succeeded', nodes: { desired: 200, succeeded: 200 } });
    expect(ledger.nodesOf(ended.run)).toEqual(nodes);
    await onlyRun('killed');
  });

  it('two replicas that both act as the leader make one run, with one pod on each node (C10, C15)', async () => {
    const nodes = await addNodes('twins', 100);
    await Promise.all([start({ NODESWEEP_LEADER_ELECTION: 'false' }), start({ NODESWEEP_LEADER_ELECTION: 'false' })]);
    await run('twins');
    const ended = await waitForRun(cluster.kubectl, 'twins');
    expect(ended).toMatchObject({ phase: 'Succeeded', nodes: { desired: 100, succeeded: 100 } });
    expect(ledger.nodesOf(ended.run)).toEqual(nodes);
    await onlyRun('twins');
  });

  it('the other one of two replicas continues, immediately when the leader is stopped, and later when it is killed (C10, C15)', async () => {
    const nodes = await addNodes('leaders', 40);
    const first = await start();
    await waitFor('the first to lead', 30_000, async () => (await isLeading(first)) || undefined);
    const second = await start();
    await run('leaders', { rollout: { parallelism: 5 } });
    await waitFor(
      'the first pods',
      30_000,
      async () => ledger.nodesOf(await nameOfRun('leaders')).length > 0 || undefined,
    );
    expect(await isLeading(second)).toBe(false);
    const stoppedAt = performance.now();
    expect(await first.stop('SIGTERM')).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    await waitFor('the second to lead', 5_000, async () => (await isLeading(second)) || undefined);
    const third = await start();
    await second.stop('SIGKILL');
    await waitFor('the third to lead', 30_000, async () => (await isLeading(third)) || undefined);
    const ended = await waitForRun(cluster.kubectl, 'leaders');
    expect(ended).toMatchObject({ phase: 'Succeeded', nodes: { desired: 40, succeeded: 40 } });
    expect(ledger.nodesOf(ended.run)).toEqual(nodes);
  });

  it('an API server that stops during a run delays it: the scheduler is not ready, and continues by itself (C10, C15, C19)', async () => {
    const nodes = await addNodes('outage', 60);
    const scheduler = await start();
    await run('outage', { rollout: { parallelism: 10 } });
    await waitFor('some pods', 30_000, async () => ledger.nodesOf(await nameOfRun('outage')).length >= 20 || undefined);
    await cluster.stopApiServer();
    await waitFor('the scheduler to say so', 20_000, async () => !(await isReady(scheduler)) || undefined);
    await sleep(20_000);
    await cluster.startApiServer();
    await waitFor('the scheduler to be back', 60_000, async () => (await isReady(scheduler)) || undefined);
    const ended = await waitForRun(cluster.kubectl, 'outage');
    expect(ended).toMatchObject({ phase: 'Succeeded', nodes: { desired: 60, succeeded: 60 } });
    expect(ledger.nodesOf(ended.run)).toEqual(nodes);
  });

  it('nodes that join, leave, or are tainted or cordoned during a run are each handled correctly (C16, C20, C21)', async () => {
    await addNodes('churn', 30);
    await start();
    const selection = { tolerations: [], includeUnschedulable: false };
    await run('churn', { rollout: { parallelism: 3 }, nodes: { ...nodesOf('churn'), ...selection } });
    await waitFor(
      'the first pods',
      30_000,
      async () => ledger.nodesOf(await nameOfRun('churn')).length >= 3 || undefined,
    );
    await cluster.kubectl('delete', 'node', ...['27', '28'].map((index) => `node-churn-00${index}`));
    await cluster.kubectl('taint', 'node', 'node-churn-0029', 'dedicated=db:NoSchedule');
    await cluster.kubectl('cordon', 'node-churn-0030');
    await cluster.addNodes(['node-churn-late-1', 'node-churn-late-2'], { pool: 'churn' });
    const ended = await waitForRun(cluster.kubectl, 'churn');
    expect(ended).toMatchObject({ phase: 'Succeeded', nodes: { succeeded: 28, failed: 0, skipped: 4 } });
    expect(ended.problems.map(({ node, reason }) => [node, reason])).toEqual([
      ['node-churn-0027', 'NodeRemoved'],
      ['node-churn-0028', 'NodeRemoved'],
      ['node-churn-0029', 'UntoleratedTaint'],
      ['node-churn-0030', 'Unschedulable'],
    ]);
    const pods = ledger.nodesOf(ended.run);
    expect(pods).toEqual([...new Set(pods)]);
    expect(pods).toEqual(expect.arrayContaining(['node-churn-late-1', 'node-churn-late-2']));
  });

  it('pods that hang, fail, crash or never start, and a node that is not ready, have failed, each with its reason; the others are cleaned (C17, C28, C29)', async () => {
    const good = await addNodes('fates', 20);
    for (const fate of ['fails', 'crashes', 'hangs', 'stuck'] as const) await addNodes('fates', 2, fate);
    await cluster.api.call('POST', '/api/v1/nodes', buildNodeObject('node-fates-lost', { pool: 'fates' }, false));
    await start({ NODESWEEP_START_TIMEOUT_SECONDS: '10' });
    await run('fates', { activeDeadlineSeconds: 30, rollout: { restartLimit: 1 } });
    const ended = await waitForRun(cluster.kubectl, 'fates');
    expect(ended).toMatchObject({
      phase: 'Failed',
      reason: 'DeadlineExceeded',
      nodes: { succeeded: 20, failed: 8, skipped: 1 },
    });
    const reasons = Object.fromEntries(ended.problems.map(({ node, reason }) => [node, reason]));
    expect(reasons).toEqual({
      'crashes-fates-0001': 'CleanerCrashed',
      'crashes-fates-0002': 'CleanerCrashed',
      'fails-fates-0001': 'RuntimeUnreachable',
      'fails-fates-0002': 'RuntimeUnreachable',
      'hangs-fates-0001': 'DeadlineExceeded',
      'hangs-fates-0002': 'DeadlineExceeded',
      'stuck-fates-0001': 'NotStarted',
      'stuck-fates-0002': 'NotStarted',
      'node-fates-lost': 'NotReady',
    });
    const attempts = (node: string) => ledger.entriesOf(ended.run).filter((entry) => entry.node === node).length;
    expect([attempts('fails-fates-0001'), attempts('crashes-fates-0001'), attempts('hangs-fates-0001')]).toEqual([
      2, 2, 1,
    ]);
    expect(good.map(attempts)).toEqual(good.map(() => 1));
    await waitFor('what still worked for the run to be gone', 30_000, async () => {
      const pods = JSON.parse(await cluster.kubectl('get', 'pods', '-n', NAMESPACE, '-o', 'json')).items;
      return (
        pods.every(({ status }: { status: { phase: string } }) => !/Pending|Running/.test(status.phase)) || undefined
      );
    });
  });

  it('disk pressure starts a run on the nodes that have it, and not again before ten minutes have passed', async () => {
    await addNodes('pressure', 5);
    await start();
    await apply(policyFor('pressure', { disk: { highPercent: 85, lowPercent: 70, onPressure: true } }));
    const press = (index: number) =>
      cluster.kubectl('patch', 'node', `node-pressure-000${index}`, '--subresource=status', '-p', underPressure);
    await Promise.all([press(2), press(4)]);
    const ended = await waitForRun(cluster.kubectl, 'pressure');
    expect(ended).toMatchObject({ phase: 'Succeeded', trigger: { type: 'Pressure' }, nodes: { succeeded: 2 } });
    expect(ledger.nodesOf(ended.run)).toEqual(['node-pressure-0002', 'node-pressure-0004']);
    await press(5);
    await sleep(5_000);
    await onlyRun('pressure');
  });

  it('each scheduled time starts one run, also across a restart at the scheduled time, with two replicas (C1, C8, C10)', async () => {
    await addNodes('slots', 5);
    const replicas = [
      await start({ NODESWEEP_LEADER_ELECTION: 'false' }),
      await start({ NODESWEEP_LEADER_ELECTION: 'false' }),
    ];
    await apply(
      policyFor('slots', { schedule: '* * * * *', ttlSecondsAfterFinished: 2, successfulRunsHistoryLimit: 100 }),
    );
    await waitFor(
      'the first scheduled time',
      90_000,
      async () => (await readRuns(cluster.kubectl, 'slots')).length === 1 || undefined,
    );
    await Promise.all(replicas.map((replica) => replica.stop('SIGKILL')));
    await start();
    await waitFor(
      'the second scheduled time',
      90_000,
      async () => (await readRuns(cluster.kubectl, 'slots')).length === 2 || undefined,
    );
    const ended = await waitFor('its end', 30_000, async () => {
      const runs = await readRuns(cluster.kubectl, 'slots');
      return runs.every(({ phase }) => phase === 'Succeeded') ? runs : undefined;
    });
    expect(new Set(ended.map(({ run: name }) => name)).size).toBe(2);
    for (const { run: name } of ended) expect(ledger.nodesOf(name)).toHaveLength(5);
    await cluster.kubectl('delete', 'configmap', '-n', NAMESPACE, 'slots');
  });

  it('20 images on 1,000 nodes need 1,000 pods and at most ten other writes, and no limit for nodes or registries is exceeded (P2, P18, P21)', async () => {
    const [parallelism, perRegistry] = [200, 130];
    // Half of the nodes pull from each of two registries, so both limits are reached.
    const nodes = [await addNodes('first', 500), await addNodes('second', 500)].flat();
    await start();
    const busy = await BusyNodes.watch(cluster);
    const since = new Date();
    await runLists({ rollout: { parallelism, perRegistry } });
    const ended = await waitForRun(cluster.kubectl, 'lists', 780_000);
    busy.stop();
    expect(ended).toMatchObject({ phase: 'Succeeded', nodes: { desired: 1_000, succeeded: 1_000 } });
    expect(ledger.nodesOf(ended.run)).toEqual(nodes);
    expect(busy.most.all).toBeLessThanOrEqual(parallelism);
    // Otherwise the limit for a registry would not have been tried.
    expect(busy.most.all).toBeGreaterThan(perRegistry);
    for (const pool of ['first', 'second']) expect(busy.most[registryOf(pool)]).toBeLessThanOrEqual(perRegistry);
    // The API server writes a call down when it has answered it.
    await sleep(5_000);
    const calls = await readCalls(auditLog(cluster.directory), 'nodesweep', since);
    const writes = calls.filter((call) => isWrite(call) && call.objectRef?.resource !== 'leases');
    progress(`${writes.length} writes: ${JSON.stringify(countKinds(writes))}; at once: ${JSON.stringify(busy.most)}`);
    // The progress of a run that takes less than seven minutes is written at most three times, so a slow machine changes nothing.
    expect(writes.length).toBeLessThanOrEqual(nodes.length + 10);
  }, 840_000);

  it('a node that joins gets its images by a run of its own, and does not wait for others that are not ready or cordoned (P9)', async () => {
    await start();
    const unready = buildNodeObject('node-first-unready', { pool: 'first' }, false);
    const cordoned = buildNodeObject('node-first-cordoned', { pool: 'first' });
    await cluster.api.call('POST', '/api/v1/nodes', unready);
    await cluster.api.call('POST', '/api/v1/nodes', { ...cordoned, spec: { ...cordoned.spec, unschedulable: true } });
    const joinedAt = performance.now();
    await cluster.addNodes(['node-second-late'], { pool: 'second' });
    const served = (node: string) =>
      waitFor(`the images of ${node}`, 60_000, async () => ledger.hasSucceeded(node) || undefined);
    await served('node-second-late');
    progress(`A node that joins has its images after ${Math.round(performance.now() - joinedAt)} ms`);
    await sleep(5_000);
    expect([ledger.has('node-first-unready'), ledger.has('node-first-cordoned')]).toEqual([false, false]);
    const ready = JSON.stringify({ status: { conditions: [{ type: 'Ready', status: 'True' }] } });
    await cluster.kubectl('patch', 'node', 'node-first-unready', '--subresource=status', '-p', ready);
    await cluster.kubectl('uncordon', 'node-first-cordoned');
    await served('node-first-unready');
    await served('node-first-cordoned');
  });
});

/** Nodes of a pool of their own; returns their names, sorted. */
async function addNodes(pool: string, count: number, fate: Fate = 'node'): Promise<string[]> {
  const names = Array.from({ length: count }, (_, index) => `${fate}-${pool}-${String(index + 1).padStart(4, '0')}`);
  await cluster.addNodes(names, { pool });
  return names;
}

function nodesOf(pool: string) {
  return { matchLabels: { pool } };
}

function policyFor(pool: string, document: object, annotations: Readonly<Record<string, string>> = {}): object {
  return buildPolicy(pool, { schedule: '@yearly', nodes: nodesOf(pool), ...document }, annotations);
}

/** A policy for a pool, of the same name, that is asked to run at once. */
function run(pool: string, document: object = {}): Promise<void> {
  return apply(policyFor(pool, document, { 'nodesweep.io/run-at': 'now' }));
}

/** A policy with a list of 20 images for each of two pools, whose images are in a registry of their own. */
function runLists(document: object): Promise<void> {
  const lists = ['first', 'second'].map((pool) => ({
    name: pool,
    images: Array.from({ length: 20 }, (_, index) => `${registryOf(pool)}/acme/app-${index}:1`),
    nodes: nodesOf(pool),
  }));
  const whole = { schedule: '@yearly', lists, ...document };
  return apply(buildPolicy('lists', whole, { 'nodesweep.io/run-at': 'now' }, 'prepull.yaml'));
}

function registryOf(pool: string): string {
  return `${pool}.registry.test`;
}

async function apply(object: object): Promise<void> {
  await cluster.api.call('POST', `/api/v1/namespaces/${NAMESPACE}/configmaps`, object);
}

function launch(settings: Readonly<Record<string, string>> = {}): SchedulerProcess {
  const port = nextPort++;
  const scheduler = launchScheduler(cluster, { name: `scheduler-${port}`, port, settings });
  schedulers.push(scheduler);
  return scheduler;
}

async function start(settings: Readonly<Record<string, string>> = {}): Promise<SchedulerProcess> {
  const port = nextPort++;
  const scheduler = await startScheduler(cluster, { name: `scheduler-${port}`, port, settings });
  schedulers.push(scheduler);
  return scheduler;
}

async function isLeading({ port }: SchedulerProcess): Promise<boolean> {
  return (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).includes('\nnodesweep_leader 1');
}

async function nameOfRun(policy: string): Promise<string> {
  return (await readRuns(cluster.kubectl, policy))[0]?.run ?? '';
}

async function onlyRun(policy: string): Promise<RunDocument> {
  const [first, ...others] = await readRuns(cluster.kubectl, policy);
  expect(others).toEqual([]);
  if (first === undefined) throw new Error(`policy ${policy} has no run`);
  return first;
}
