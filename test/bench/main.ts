import { availableParallelism, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { type Bench, createBench } from '../helpers/clean.ts';
import {
  buildBusyNode,
  cleanerOptions,
  listCalls,
  measureProcess,
  nodeOptions,
  readReport,
  runCleaner,
  runCrictl,
} from './cleaner.ts';
import { describe } from './figures.ts';

const rounds = 20;
const memoryRounds = 3;

console.log(
  `Node.js ${process.version} ${nodeOptions.join(' ')}, ${availableParallelism()} CPUs, load ${loadavg()[0]?.toFixed(1)}`,
);
await timeIdleRun();
await measureMemory();
await timePlan();

/** The whole process beside the bare calls that it makes, in turns, so that both meet the same load. */
async function timeIdleRun(): Promise<void> {
  const node = buildBusyNode(200, 100);
  const containerIds = node.containers.map(({ id }) => id);
  const bench = await createBench(node, { images: { exclude: ['**'] } });
  const measureRound = async () => ({
    nodeMs: (await execa(process.execPath, ['--eval', ''])).durationMs,
    crictlMs: await runCrictl(bench, containerIds),
    cleanerMs: await runCleaner(bench),
  });
  await measureRound();
  const all = await repeat(measureRound);
  await expectOutcome(bench, { removed: 0, kept: 200 });
  const calls = await listCalls(bench);
  const cpuMs = await repeat(async () => (await measureProcess(bench)).cpuMs);
  await bench.remove();

  console.log(`\nNothing to do: 200 images, 100 of them used and 100 excluded (ms, ${rounds} rounds; target 400)`);
  console.table({
    'the cleaner, start to exit': describe(all.map(({ cleanerMs }) => cleanerMs)),
    'its calls of the simulated crictl alone': describe(all.map(({ crictlMs }) => crictlMs)),
    'the difference': describe(all.map(({ cleanerMs, crictlMs }) => cleanerMs - crictlMs)),
    'CPU time of the cleaner itself': describe(cpuMs),
    'Node.js with an empty program': describe(all.map(({ nodeMs }) => nodeMs)),
    'ratio cleaner / crictl': describe(
      all.map(({ cleanerMs, crictlMs }) => cleanerMs / crictlMs),
      2,
    ),
  });
  console.log(`Calls of the runtime: ${calls.length} (${calls.join(', ')}; target 3)`);
}

/** Two batches of removals: their lists are read again for each, and many more batches add only a few MB. */
async function measureMemory(): Promise<void> {
  const peaks = {
    'nothing to do': await measurePeaks({ exclude: ['**'] }, { removed: 0, kept: 5_000 }),
    '100 images removed': await measurePeaks({ include: ['**/service-49*'] }, { removed: 100, kept: 4_900 }),
  };
  console.log(`\nPeak memory: 5,000 images, 2,000 containers (MB, ${memoryRounds} rounds; target 100)`);
  console.table(peaks);
}

async function measurePeaks(images: object, outcome: { readonly removed: number; readonly kept: number }) {
  const node = buildBusyNode(5_000, 2_000);
  const peaks = await repeat(async () => {
    const bench = await createBench(node, { images });
    const { peakBytes } = await measureProcess(bench);
    await expectOutcome(bench, outcome);
    await bench.remove();
    return peakBytes / 1e6;
  }, memoryRounds);
  return describe(peaks);
}

/** Each in a process of its own, where nothing is compiled yet. */
async function timePlan(): Promise<void> {
  const plan = fileURLToPath(new URL('./plan.ts', import.meta.url));
  const times = await repeat(async () => Number((await execa(process.execPath, [...cleanerOptions, plan])).stdout));
  console.log(`\nThe first plan: 5,000 images, 2,000 containers (ms of CPU, ${rounds} rounds; target 150)`);
  console.table({ 'the plan': describe(times) });
}

async function repeat<T>(measure: () => Promise<T>, times = rounds): Promise<readonly T[]> {
  const results: T[] = [];
  for (let round = 0; round < times; round++) results.push(await measure());
  return results;
}

/** A figure is worth something only if the cleaner did what it was meant to. */
async function expectOutcome(bench: Bench, expected: { readonly removed: number; readonly kept: number }) {
  const { images, errors } = await readReport(bench);
  if (images.removed === expected.removed && images.kept === expected.kept) return;
  throw new Error(
    `the cleaner did something else than ${JSON.stringify(expected)}: ${JSON.stringify({ images, errors })}`,
  );
}
