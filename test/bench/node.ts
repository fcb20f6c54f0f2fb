import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { installPackages } from '../cluster/packages.ts';
import { progress } from '../cluster/progress.ts';
import { nodeOptions } from './cleaner.ts';
import { describe, median } from './figures.ts';
import { NodeBench, type Store } from './node-bench.ts';
import { countCallsBeforeDecision, profileRun, recordCalls } from './node-calls.ts';
import { describeLatencies, joinLatencies, type Latencies, measureNeighbour } from './node-neighbour.ts';

/**
 * Everything is measured in rounds, in which the sides take turns; `node test/bench/node.ts 1` has just one, and with
 * `idle`, `many`, `large` or `neighbour` as well it measures that alone.
 */
const rounds = Number(process.argv[2] ?? 3);
const part = process.argv[3];
const idleRounds = rounds * 5;

const everything = { images: { minAge: '0s', keepSideLoaded: false } };
const nothing = { images: { exclude: ['**'] } };

const parts = {
  idle: measureIdleRun,
  many: () => measureStore({ count: 300, filesPerLayer: 40, atMost: 1.15, eachAtLeast: 3.5 }),
  large: () => measureStore({ count: 40, filesPerLayer: 2_000, atMost: 1.05 }),
  neighbour: measureNeighbours,
};
const verdicts: Record<string, { measured: number; target: string; met: boolean }> = {};

await installPackages();
const bench = await NodeBench.start('containerd-1.6');
try {
  await printConditions();
  for (const [name, measure] of Object.entries(parts)) if (part === undefined || part === name) await measure();
} finally {
  await bench.stop();
}
console.log('\nTargets');
console.table(verdicts);

async function printConditions(): Promise<void> {
  const { crictlPath, isStandIn } = bench.node;
  const which = isStandIn ? 'the stand-in for crictl, a Node.js program' : `${crictlPath} (crictl)`;
  const version = (await execa('containerd', ['--version'])).stdout.split(' ').at(-1);
  console.log(
    [
      `containerd ${version}; ${which}; Node.js ${process.version} ${nodeOptions.join(' ')}`,
      `${availableParallelism()} CPUs, load ${loadavg()[0]?.toFixed(1)}; ${rounds} rounds`,
    ].join('\n'),
  );
}

async function measureIdleRun(): Promise<void> {
  progress('Nothing to do');
  const store = await bench.prepareStore(200, { layers: 1, filesPerLayer: 1, bytesPerFile: 100 });
  await bench.fill(store);
  await bench.clean(nothing);
  const cleaner = await repeat(idleRounds, async () => (await bench.clean(nothing)).durationMs);
  const { process: figures, calls } = await recordCalls(bench, nothing);
  const nodeAlone = await repeat(idleRounds, async () => (await execa(process.execPath, ['--eval', ''])).durationMs);
  await bench.removeAtOnce(store);

  console.log('\nNothing to do: 200 images (ms)');
  console.table({ 'the whole cleaner': describe(cleaner), 'Node.js with an empty program': describe(nodeAlone) });
  console.log('Where the time of the cleaner goes (ms, one run)');
  console.table(profileRun(figures, calls));
  console.log(`its calls: ${calls.map(({ command }) => command).join(', ')}`);
  judge('nothing to do, 200 images: s', median(cleaner) / 1_000, 'at most', 0.4);
  judge('nothing to do: calls before the decision', countCallsBeforeDecision(calls), 'at most', 3);
}

interface StoreTargets {
  readonly count: number;
  readonly filesPerLayer: number;
  /** Of the cleaner's time, relative to one call with all IDs. */
  readonly atMost: number;
  /** Of the time of one call for each image, relative to the cleaner's. */
  readonly eachAtLeast?: number;
}

async function measureStore({ count, filesPerLayer, atMost, eachAtLeast }: StoreTargets): Promise<void> {
  const what = `${count} images x 2 layers x ${filesPerLayer} files`;
  const store = await bench.prepareStore(count, { layers: 2, filesPerLayer, bytesPerFile: 100 });
  const sides = {
    'the whole cleaner': cleanAll,
    'one crictl rmi with all ids': () => bench.removeAtOnce(store),
    ...(eachAtLeast && { 'crictl rmi for each image': () => bench.removeEach(store) }),
  };
  const times = await takeTurns(what, store, sides);
  const profile = await profileRemoval(store);

  console.log(`\n${what} (ms)`);
  console.table(Object.fromEntries(Object.entries(times).map(([side, values]) => [side, describe(values)])));
  console.log('Where the time of the cleaner goes (ms, one run)');
  console.table(profile);
  const [cleaner, atOnce, each] = Object.values(times).map(median);
  if (cleaner === undefined || atOnce === undefined) return;
  judge(`${what}: cleaner / one rmi`, cleaner / atOnce, 'at most', atMost);
  if (each !== undefined && eachAtLeast) judge(`${what}: rmi each / cleaner`, each / cleaner, 'at least', eachAtLeast);
}

async function cleanAll(): Promise<number> {
  const { durationMs, report } = await bench.clean(everything);
  if (report.outcome !== 'Succeeded') throw new Error(`the cleaner failed: ${JSON.stringify(report)}`);
  return durationMs;
}

async function profileRemoval(store: Store) {
  await bench.fill(store);
  const { process, calls } = await recordCalls(bench, everything);
  return profileRun(process, calls);
}

/** Each side has the store to itself, freshly imported; who begins changes from round to round. */
async function takeTurns(what: string, store: Store, sides: Readonly<Record<string, () => Promise<number>>>) {
  const times: Record<string, number[]> = Object.fromEntries(Object.keys(sides).map((side) => [side, []]));
  for (let round = 0; round < rounds; round++) {
    const order = Object.entries(sides);
    for (const [side, remove] of round % 2 === 0 ? order : order.toReversed()) {
      progress(`${what}, round ${round + 1}: ${side}`);
      await bench.fill(store);
      times[side]?.push(await remove());
      await expectEmpty(store);
    }
  }
  return times;
}

async function expectEmpty({ images }: Store): Promise<void> {
  const present = await bench.node.imageIds();
  const left = images.filter(({ id }) => present.has(id));
  if (left.length > 0) throw new Error(`${left.length} images are still there`);
}

/** All that a neighbour meets while nothing is done, and while images with many files are removed in one way or the other. */
async function measureNeighbours(): Promise<void> {
  const store = await bench.prepareStore(40, { layers: 2, filesPerLayer: 2_000, bytesPerFile: 100 });
  const works = {
    nothing: () => sleep(5_000),
    'one crictl rmi with all ids': () => bench.removeAtOnce(store),
    'the cleaner': cleanAll,
  };
  const met: Record<string, Latencies[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [what, work] of Object.entries(works)) {
      progress(`A neighbour, round ${round + 1}: ${what}`);
      if (what !== 'nothing') await bench.fill(store);
      const latencies = await measureNeighbour(bench.node.lone.imageDirectory, work);
      met[what] = [...(met[what] ?? []), latencies];
    }
  }
  const figures = Object.fromEntries(
    Object.entries(met).map(([what, latencies]) => [what, describeLatencies(joinLatencies(latencies))]),
  );
  console.log('\nA neighbour that wakes up every 5 ms and makes a small write durable (ms)');
  console.table(figures);
  const [cleaner, crictl] = [figures['the cleaner'], figures['one crictl rmi with all ids']];
  if (cleaner === undefined || crictl === undefined) return;
  for (const figure of ['write p50', 'write p99', 'wake-up p50', 'wake-up p99'] as const) {
    judge(`neighbour, ${figure}: cleaner / one rmi`, cleaner[figure] / crictl[figure], 'at most', 1);
  }
}

function judge(what: string, measured: number, bound: 'at most' | 'at least', target: number): void {
  const met = bound === 'at most' ? measured <= target : measured >= target;
  verdicts[what] = { measured: Number(measured.toFixed(2)), target: `${bound} ${target}`, met };
}

async function repeat<T>(times: number, measure: () => Promise<T>): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = 0; round < times; round++) results.push(await measure());
  return results;
}
