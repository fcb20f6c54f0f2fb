import { availableParallelism, loadavg } from 'node:os';
import { execa } from 'execa';
import { decide } from '../../cleaner/decide.ts';
import { updateHistory } from '../../cleaner/history.ts';
import { createUsageReader } from '../../cleaner/inventory.ts';
import { type Bench, createBench } from '../helpers/clean.ts';
import {
  buildContainer,
  buildHistory,
  buildImage,
  buildInventory,
  buildJob,
  buildRuntime,
  now,
} from '../helpers/inventory.ts';
import { buildBusyNode, measurePeakBytes, nodeOptions, readReport, runCleaner, runCrictl } from './cleaner.ts';
import { describe } from './figures.ts';

const rounds = 20;
const memoryRounds = 5;

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
  await bench.remove();

  console.log(`\nNothing to do: 200 images, 100 of them used and 100 excluded (ms, ${rounds} rounds; target 500)`);
  console.table({
    'the cleaner, start to exit': describe(all.map(({ cleanerMs }) => cleanerMs)),
    'its calls of the simulated crictl alone': describe(all.map(({ crictlMs }) => crictlMs)),
    'the difference': describe(all.map(({ cleanerMs, crictlMs }) => cleanerMs - crictlMs)),
    'Node.js with an empty program': describe(all.map(({ nodeMs }) => nodeMs)),
    'ratio cleaner / crictl': describe(
      all.map(({ cleanerMs, crictlMs }) => cleanerMs / crictlMs),
      2,
    ),
  });
}

/** Two batches of removals: their lists are read again for each, and many more batches add only a few MB. */
async function measureMemory(): Promise<void> {
  const peaks = {
    'nothing to do': await measurePeaks({ exclude: ['**'] }, { removed: 0, kept: 2_000 }),
    '100 images removed': await measurePeaks({ include: ['**/service-19*'] }, { removed: 100, kept: 1_900 }),
  };
  console.log(`\nPeak memory: 2,000 images, 400 of them used (MB, ${memoryRounds} rounds; target 90)`);
  console.table(peaks);
}

async function measurePeaks(images: object, outcome: { readonly removed: number; readonly kept: number }) {
  const node = buildBusyNode(2_000, 400);
  const peaks = await repeat(async () => {
    const bench = await createBench(node, { images });
    const peakBytes = await measurePeakBytes(bench);
    await expectOutcome(bench, outcome);
    await bench.remove();
    return peakBytes / 1e6;
  }, memoryRounds);
  return describe(peaks);
}

/** In this process: from the lists of the runtime, already parsed, to the plan. */
async function timePlan(): Promise<void> {
  const images = Array.from({ length: 5_000 }, (_, index) =>
    buildImage(`registry.example.com/team-${index % 20}/service-${index % 500}:1.${index}.0`),
  );
  const containers = images.slice(0, 2_000).map((image) => buildContainer(image, { references: image.names }));
  const runtime = buildRuntime({ images, containers });
  const job = { images: { exclude: ['**/base:*', 'registry.example.com/team-3/**'], keepNewestPerRepository: 2 } };
  const history = updateHistory(buildHistory(), buildInventory({ images }), now - 1e9);
  const plan = async () => {
    const startedAt = process.cpuUsage();
    await decide(buildJob(job), {
      runtime,
      readUsage: createUsageReader(runtime, undefined),
      now,
      ownReferences: [],
      loadHistory: async () => history,
      measureDisk: async () => undefined,
    });
    const { user, system } = process.cpuUsage(startedAt);
    return (user + system) / 1_000;
  };
  const first = await plan();
  console.log(`\nThe plan: 5,000 images, 2,000 containers (ms of CPU, ${rounds} rounds)`);
  console.table({ 'the first': describe([first]), 'all later ones': describe(await repeat(plan)) });
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
