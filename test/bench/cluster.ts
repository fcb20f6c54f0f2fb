import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BareApi } from '../cluster/api.ts';
import { cacheDirectory } from '../cluster/cache.ts';
import { auditLog, startKwokCluster } from '../cluster/kwok.ts';
import { nodeNames } from '../cluster/kwok-nodes.ts';
import { startScheduler } from '../cluster/kwok-scheduler.ts';
import { progress } from '../cluster/progress.ts';
import { waitFor } from '../cluster/wait.ts';
import { type AuditedCall, countKinds, isWrite, readCalls } from './audit.ts';
import { CONFIG_MAPS, createPolicy, fanOutBare, fanOutPolicy, PODS, waitUntilGone } from './fan-out.ts';
import { describe, median, percentile } from './figures.ts';
import { measureFirstPods } from './latency.ts';
import { buildBarePuller, createServedPolicy, listDocument } from './lists.ts';
import { readCpuMs, readPeakBytes, readResidentBytes } from './process-usage.ts';

const size = {
  nodes: 1_000,
  manyNodes: 5_000,
  policies: 500,
  rounds: 3,
  /** Policies of image lists, and how many of them have a held pod on each node. */
  lists: 50,
  holding: 10,
  images: 20,
  samples: 200,
  idleSeconds: 60,
  ttlSeconds: 20,
};
/** The comparison is of how long the work takes, not how long the scheduler waits to be polite. */
const asFastAsPossible = { NODESWEEP_API_RATE: '100000' };

const names = nodeNames(size.nodes);
const rows: Record<string, { result: string; target: string; met: boolean }> = {};
console.log(`Node.js ${process.version}, ${availableParallelism()} CPUs, load ${loadavg()[0]?.toFixed(1)}`);
const cluster = await startKwokCluster({ directory: join(cacheDirectory(), 'bench-cluster'), workTime: [0, 0] });
const api = await BareApi.open(cluster.schedulerKubeconfig);
try {
  await cluster.addNodes(names);
  const parts = {
    runs: measureRuns,
    lists: measureLists,
    defaults: measureDefaults,
    'idle-lists': measureIdleLists,
    many: measureManyNodes,
  };
  // `node test/bench/cluster.ts defaults` measures one part alone.
  for (const [part, measure] of Object.entries(parts)) if ([undefined, part].includes(process.argv[2])) await measure();
  console.table(rows);
} finally {
  api.close();
  await cluster.stop();
}

/** The scheduler and a bare client in turns, so that both meet the same load. */
async function measureRuns(): Promise<void> {
  const scheduler = await startScheduler(cluster, { settings: asFastAsPossible });
  const rounds: { bareMs: number; runMs: number; writes: number }[] = [];
  for (let round = 1; round <= size.rounds; round += 1) {
    progress(`Round ${round} of ${size.rounds}: ${size.nodes} pods by a bare client, then by the scheduler`);
    const bare = await fanOutBare(api, names, `bare-${round}`);
    const run = await fanOutPolicy(api, `fan-${round}`, { ttlSecondsAfterFinished: size.ttlSeconds }, size.nodes);
    const waitMs = await waitForRecord(`fan-${round}`);
    const writes = await countWrites(run.startedAt);
    console.log(
      `bare client ${bare.totalMs.toFixed(0)} ms, run ${run.totalMs.toFixed(0)} ms, on record ${waitMs.toFixed(0)} ms later`,
    );
    rounds.push({ bareMs: bare.totalMs, runMs: run.totalMs, writes });
    await measureCleanup(`fan-${round}`);
  }
  await measureWaves();
  await scheduler.stop();
  const ratio = median(rounds.map(({ runMs, bareMs }) => runMs / bareMs));
  console.table({
    'bare client (ms)': describe(rounds.map(({ bareMs }) => bareMs)),
    'run (ms)': describe(rounds.map(({ runMs }) => runMs)),
  });
  note(`${size.nodes} nodes: request to last pod succeeded / bare client`, ratio.toFixed(2), '<= 1.5', ratio <= 1.5);
  const writes = Math.max(...rounds.map((round) => round.writes));
  note('write calls of that run', String(writes), `<= ${size.nodes + 10}`, writes <= size.nodes + 10);
}

/** The same run in waves: what is written must not depend on how many there are. */
async function measureWaves(): Promise<void> {
  progress(`${size.nodes} nodes, 5 % of them at once`);
  const document = { ttlSecondsAfterFinished: size.ttlSeconds, rollout: { parallelism: '5%' } };
  const { startedAt } = await fanOutPolicy(api, 'waves', document, size.nodes);
  await waitForRecord('waves');
  const writes = await countWrites(startedAt);
  note('write calls with parallelism 5%', String(writes), `<= ${size.nodes + 10}`, writes <= size.nodes + 10);
  await measureCleanup('waves');
}

/** The write calls of the scheduler since a run began that has just ended, but for those of its lease. */
async function countWrites(since: Date): Promise<number> {
  await sleep(2_000);
  const calls = await readCalls(auditLog(cluster.directory), 'nodesweep', since);
  const writes = calls.filter((call) => isWrite(call) && call.objectRef?.resource !== 'leases');
  console.log(countKinds(writes));
  return writes.length;
}

async function measureCleanup(policy: string): Promise<void> {
  const since = new Date();
  await waitUntilGone(api, policy);
  // The API server writes the call down when it has answered it.
  await waitFor('the calls to end', 60_000, async () => (await readDeletions(since)).length > 0 || undefined);
  await sleep(2_000);
  const kinds = JSON.stringify(countKinds(await readDeletions(since)));
  note(
    'calls that delete the pods of the run after its TTL',
    kinds,
    '1 deletecollection',
    kinds === '{"deletecollection pods":1}',
  );
  await api.call('DELETE', `${CONFIG_MAPS}/${policy}`);
}

async function readDeletions(since: Date): Promise<AuditedCall[]> {
  const calls = await readCalls(auditLog(cluster.directory), 'nodesweep', since);
  return calls.filter(({ verb, objectRef }) => verb.startsWith('delete') && objectRef?.resource === 'pods');
}

/** As {@link measureRuns}, with image lists: a pod has a container for each image. */
async function measureLists(): Promise<void> {
  const scheduler = await startScheduler(cluster, { settings: asFastAsPossible });
  const document = listDocument(size.images, { hold: false, ttlSecondsAfterFinished: size.ttlSeconds });
  const rounds: { bareMs: number; runMs: number; writes: number }[] = [];
  for (let round = 1; round <= size.rounds; round += 1) {
    progress(`Round ${round} of ${size.rounds}: ${size.images} images on ${size.nodes} nodes`);
    const policy = `lists-${round}`;
    const bare = await fanOutBare(api, names, `bare-lists-${round}`, buildBarePuller(document));
    const run = await fanOutPolicy(api, policy, document, size.nodes, 'prepull.yaml');
    await waitForRecord(policy);
    const writes = await countWrites(run.startedAt);
    console.log(`bare client ${bare.totalMs.toFixed(0)} ms, run ${run.totalMs.toFixed(0)} ms`);
    rounds.push({ bareMs: bare.totalMs, runMs: run.totalMs, writes });
    await waitUntilGone(api, policy);
    await api.call('DELETE', `${CONFIG_MAPS}/${policy}`);
  }
  await scheduler.stop();
  console.table({
    'lists, bare client (ms)': describe(rounds.map(({ bareMs }) => bareMs)),
    'lists, run (ms)': describe(rounds.map(({ runMs }) => runMs)),
  });
  const ratio = median(rounds.map(({ runMs, bareMs }) => runMs / bareMs));
  const what = `${size.images} images, ${size.nodes} nodes`;
  note(`${what}: request to last pod succeeded / bare client`, ratio.toFixed(2), '<= 1.5', ratio <= 1.5);
  const writes = Math.max(...rounds.map((round) => round.writes));
  note(`${what}: write calls`, String(writes), `<= ${size.nodes + 10}`, writes <= size.nodes + 10);
}

/** Many policies of image lists whose nodes have all images, some of them with as many held pods as a cluster keeps. */
async function measureIdleLists(): Promise<void> {
  const policies = Array.from({ length: size.lists }, (_, index) => `served${index}`);
  const holders: string[] = [];
  for (const [index, policy] of policies.entries()) {
    const hold = index < size.holding;
    progress(`${policy}: ${size.images} images are on ${size.nodes} nodes${hold ? ', with a held pod on each' : ''}`);
    const document = listDocument(size.images, { hold, ttlSecondsAfterFinished: 0 }, policy);
    const { run, uid } = await createServedPolicy(api, policy, document, names);
    if (!hold) continue;
    holders.push(run);
    const build = buildBarePuller(document);
    await api.createAll(
      PODS,
      names.map((name) => build(name, run, uid)),
    );
  }
  const scheduler = await startScheduler(cluster);
  await waitFor(
    'every list to be looked at',
    120_000,
    async () => (await listNames('status')).length >= policies.length || undefined,
  );
  await sleep(30_000);
  const before = readCpuMs(scheduler.pid);
  await sleep(size.idleSeconds * 1_000);
  const percent = (readCpuMs(scheduler.pid) - before) / (size.idleSeconds * 10);
  const peak = readPeakBytes(scheduler.pid) / 1e6;
  console.log(`resident memory ${(readResidentBytes(scheduler.pid) / 1e6).toFixed(0)} MB`);
  const runs = await listNames('run');
  const what = `${size.lists} lists of ${size.images} images, ${size.nodes} nodes, ${size.holding * size.nodes} held pods, idle`;
  note(`${what}: CPU`, `${percent.toFixed(2)} %`, '< 1 % of a core', percent < 1);
  note(`${what}: peak memory`, `${peak.toFixed(0)} MB`, '<= 300 MB', peak <= 300);
  note(`${what}: runs`, String(runs.length), `${policies.length}`, runs.length === policies.length);
  await scheduler.stop();
  for (const run of holders) await api.call('DELETE', `${PODS}?labelSelector=nodesweep.io/run=${run}`);
  for (const run of holders) await waitUntilGone(api, run);
  for (const policy of policies) await api.call('DELETE', `${CONFIG_MAPS}/${policy}`);
}

/** All that does not depend on how fast the scheduler may go, with its settings as they come. */
async function measureDefaults(): Promise<void> {
  const scheduler = await startScheduler(cluster);
  await measureIdle(scheduler.pid);
  await measureLatency();
  progress(`A run over ${size.nodes} nodes at the default rate`);
  const { totalMs } = await fanOutPolicy(api, 'polite', {}, size.nodes);
  console.log(`a run over ${size.nodes} nodes at the default rate takes ${(totalMs / 1000).toFixed(1)} s`);
  await api.call('DELETE', `${CONFIG_MAPS}/polite`);
  await scheduler.stop();
}

async function measureIdle(pid: number): Promise<void> {
  progress(`${size.policies} policies, idle for ${size.idleSeconds} s`);
  const policies = Array.from({ length: size.policies }, (_, index) => `idle${index}`);
  for (const policy of policies) await createPolicy(api, policy, {});
  await waitFor(
    'every policy to be looked at',
    120_000,
    async () => (await listNames('status')).length >= size.policies || undefined,
  );
  // Everything just made is settled, and compiled, by then.
  await sleep(30_000);
  const before = readCpuMs(pid);
  await sleep(size.idleSeconds * 1_000);
  const percent = (readCpuMs(pid) - before) / (size.idleSeconds * 10);
  note(
    `${size.policies} policies, ${size.nodes} nodes, idle: CPU`,
    `${percent.toFixed(2)} %`,
    '< 1 % of a core',
    percent < 1,
  );
  for (const policy of policies) await api.call('DELETE', `${CONFIG_MAPS}/${policy}`);
}

async function measureLatency(): Promise<void> {
  progress(`${size.samples} requests, one at a time`);
  const latencies = await measureFirstPods(cluster.api, names[0] ?? '', size.samples);
  const p99 = percentile(latencies, 0.99);
  console.table({ 'request to first pod (ms)': { ...describe(latencies), p99: Math.round(p99) } });
  note('request to first pod created, idle cluster, p99', `${p99.toFixed(0)} ms`, '<= 1000 ms', p99 <= 1_000);
}

async function measureManyNodes(): Promise<void> {
  progress(`${size.manyNodes} nodes`);
  await cluster.addNodes(nodeNames(size.manyNodes).slice(size.nodes));
  const scheduler = await startScheduler(cluster, { settings: asFastAsPossible });
  const { totalMs } = await fanOutPolicy(api, 'many', {}, size.manyNodes);
  await waitForRecord('many');
  const peak = readPeakBytes(scheduler.pid) / 1e6;
  await scheduler.stop();
  console.log(`a run over ${size.manyNodes} nodes takes ${(totalMs / 1000).toFixed(1)} s`);
  note(`${size.manyNodes} nodes: peak memory of the scheduler`, `${peak.toFixed(0)} MB`, '<= 300 MB', peak <= 300);
}

/** Waits for the run of a policy to be on record as ended, and returns for how long, in milliseconds. */
async function waitForRecord(policy: string): Promise<number> {
  const startedAt = performance.now();
  await waitFor(`the run of ${policy} to end`, 300_000, async () => {
    const ended = (await listNames('run', policy)).filter(({ data }) => /^phase: Succeeded$/m.test(data));
    return ended.length > 0 || undefined;
  });
  return performance.now() - startedAt;
}

async function listNames(kind: string, policy?: string) {
  const selector = `nodesweep.io/kind=${kind}${policy === undefined ? '' : `,nodesweep.io/policy=${policy}`}`;
  const path = `${CONFIG_MAPS}?labelSelector=${encodeURIComponent(selector)}`;
  const { items } = await cluster.api.get<{ items: { metadata: { name: string }; data?: Record<string, string> }[] }>(
    path,
  );
  return items.map(({ metadata, data }) => ({ name: metadata.name, data: data?.['run.yaml'] ?? '' }));
}

function note(measure: string, result: string, target: string, met: boolean): void {
  rows[measure] = { result, target, met };
}
