import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { installPackages } from '../cluster/packages.ts';
import { progress } from '../cluster/progress.ts';
import { waitFor } from '../cluster/wait.ts';
import { describe, median } from './figures.ts';
import { PrepullBench, type Verdict } from './prepull-bench.ts';

/**
 * The sides take turns in each round; `node test/bench/prepull.ts 1` has just one, and with `pull`, `present` or
 * `hold` as well it measures that alone. A refresh comes at the beginning of each minute.
 */
const rounds = Number(process.argv[2] ?? 3);
const part = process.argv[3];
const images = 20;
const refreshes = rounds * 2;
/** The kubelet writes the last state of a pod, and stops its sandbox, in this time. */
const settleMs = 10_000;

const parts = { pull: measurePulls, present: measureRefreshes, hold: measureHold };
/** Of the runs that are measured. */
const profiles: Readonly<Record<string, number>>[] = [];
const verdicts: Record<string, { measured: number; target: string; met: boolean }> = {};

await installPackages();
const bench = await PrepullBench.start();
try {
  printConditions();
  for (const [name, measure] of Object.entries(parts)) if (part === undefined || part === name) await measure();
} finally {
  await bench.stop();
}
console.log('\nTargets');
console.table(verdicts);

function printConditions(): void {
  const { path, isStandIn } = bench.crictl;
  const which = isStandIn ? 'the stand-in for crictl, a Node.js program, because no crictl is on PATH' : path;
  const load = loadavg()[0]?.toFixed(1);
  console.log(`${which}; Node.js ${process.version}, ${availableParallelism()} CPUs, load ${load}; ${rounds} rounds`);
}

/** The whole run, from the request to the record of its end, and the bare pulls. No image of one side is on the node before. */
async function measurePulls(): Promise<void> {
  const results: { runMs: number; crictlMs: number; startMs: number }[] = [];
  profiles.length = 0;
  for (let round = 1; round <= rounds; round++) {
    progress(`Round ${round}: pushing images`);
    const [ofRun, ofCrictl] = [await bench.push(`run-${round}`, images), await bench.push(`crictl-${round}`, images)];
    const sides = [
      async () => ({ runMs: await timeRun(`pull-${round}`, ofRun) }),
      async () => ({ crictlMs: await bench.pullEach(ofCrictl), startMs: await bench.startEach(images) }),
    ];
    const taken: object[] = [];
    for (const measure of round % 2 === 0 ? sides : sides.toReversed()) {
      progress(`Round ${round}: pulling`);
      taken.push(await measure());
    }
    results.push(Object.assign({ runMs: 0, crictlMs: 0, startMs: 0 }, ...taken));
  }
  console.log(`\n${images} images of 10 MB, one node (ms)`);
  console.table({
    'the whole run': describe(results.map(({ runMs }) => runMs)),
    'crictl pull, one after the other': describe(results.map(({ crictlMs }) => crictlMs)),
    'of this, the start of crictl': describe(results.map(({ startMs }) => startMs)),
  });
  printProfiles();
  const ratio = median(results.map(({ runMs, crictlMs }) => runMs / crictlMs));
  judge(`${images} images: whole run / crictl pull`, ratio, 1.25);
}

async function timeRun(policy: string, references: readonly string[]): Promise<number> {
  const startedAt = Date.now();
  const annotations = { 'nodesweep.io/run-at': 'now' };
  for await (const verdict of await bench.follow(policy, references, { schedule: '@yearly' }, annotations)) {
    expectSuccess(verdict);
    profiles.push(await bench.profile(verdict.run, { startedAt, endedAt: verdict.at }));
    return verdict.at - startedAt;
  }
  throw new Error('the run has no end');
}

/** Refreshes that find everything present, from the scheduled time to the record of their end. */
async function measureRefreshes(): Promise<void> {
  progress('Refreshes: pushing images');
  const references = await bench.push('refresh', images);
  const times: number[] = [];
  profiles.length = 0;
  let requestsBefore: number | undefined;
  progress(`Refreshes: ${refreshes} minutes`);
  for await (const verdict of await bench.follow('refresh', references, { schedule: '* * * * *' })) {
    expectSuccess(verdict);
    // The first run pulls.
    if (requestsBefore !== undefined && verdict.slot !== undefined) {
      const span = { startedAt: verdict.slot.getTime(), endedAt: verdict.at };
      times.push(span.endedAt - span.startedAt);
      profiles.push(await bench.profile(verdict.run, span));
    }
    requestsBefore ??= await bench.countRequests();
    if (times.length === refreshes) break;
  }
  const requests = (await bench.countRequests()) - (requestsBefore ?? Number.NaN);
  console.log(`\n${images} images, everything present (ms)`);
  console.table({ 'from the scheduled time to the verdict': describe(times) });
  printProfiles();
  judge('everything present: s from the scheduled time to the verdict', median(times) / 1_000, 3);
  judge('everything present: requests to the registry', requests, 0);
}

/** The costs of a held pod: its object, and the disk space of its ended containers. */
async function measureHold(): Promise<void> {
  progress('Holding: pushing images');
  const references = await bench.push('held', images);
  const annotations = { 'nodesweep.io/run-at': 'now' };
  let pods: readonly number[] = [];
  let held = { containers: 0, bytes: 0 };
  for await (const verdict of await bench.follow('held', references, { schedule: '@yearly' }, annotations)) {
    expectSuccess(verdict);
    await sleep(settleMs);
    pods = await bench.readPodBytes('held');
    held = await bench.readNodeUsage();
    break;
  }
  progress('Holding: waiting for the kubelet to remove the containers of the deleted pod');
  const released = await waitFor('the containers to go', 300_000, async () => {
    const usage = await bench.readNodeUsage();
    return usage.containers <= held.containers - images ? usage : undefined;
  });
  console.log(`\nA held pod with ${images} images`);
  console.table({
    'pods held': pods.length,
    'object, kB': Number((Math.max(...pods) / 1e3).toFixed(1)),
    containers: held.containers - released.containers,
    'disk, kB': Math.round((held.bytes - released.bytes) / 1e3),
  });
}

function printProfiles(): void {
  console.log('Where the time goes (ms)');
  const parts = Object.keys(profiles[0] ?? {});
  console.table(
    Object.fromEntries(parts.map((part) => [part, describe(profiles.map((profile) => profile[part] ?? 0))])),
  );
}

function expectSuccess({ run, phase }: Verdict): void {
  if (phase !== 'Succeeded') throw new Error(`run ${run} has not succeeded: ${phase}`);
}

function judge(what: string, measured: number, target: number): void {
  verdicts[what] = { measured: Number(measured.toFixed(2)), target: `at most ${target}`, met: measured <= target };
}
