import { mkdir, readdir, readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { buildImage, buildSimulatedNode, updateNode } from '../fixtures/simulated/node.ts';
import { type Bench, type CleanRun, createBench, imagesLeft, nameOf, runClean } from '../helpers/clean.ts';

const faults = new URL('../fixtures/simulated/faults.mjs', import.meta.url).href;
const old = buildImage('docker.io/library/old:1');
const full = { capacityBytes: 10e9, otherBytes: 10e9 - old.sizeBytes, mountpoint: '/' };

let bench: Bench;

afterEach(() => bench.remove());

/** A node whose disk is full to the last byte. */
async function prepare(job: object = {}): Promise<void> {
  bench = await createBench(buildSimulatedNode({ images: [old], filesystem: full }), job);
}

/** A run in which one step of writing to a directory fails. */
function runWithFault(step: string, code: string, below = bench.stateDirectory): Promise<CleanRun> {
  return runClean(bench, [], {
    NODE_OPTIONS: `--import ${faults}`,
    DISK_FAULT_BELOW: below,
    DISK_FAULT_STEP: step,
    DISK_FAULT_CODE: code,
  });
}

async function leftInState(): Promise<readonly string[]> {
  return (await readdir(bench.stateDirectory)).toSorted();
}

describe('a disk that is full does not keep the cleaner from making room (N6)', () => {
  it.each(['mkdir', 'open', 'write', 'rename'])(
    'where %s fails, and history and report are written once there is room',
    async (step) => {
      await prepare({ disk: { highPercent: 85, lowPercent: 80 } });
      if (step !== 'mkdir') await mkdir(bench.stateDirectory);
      const run = await runWithFault(step, 'ENOSPC', bench.directory);
      expect(run).toMatchObject({ exitCode: 0, report: { outcome: 'Succeeded', images: { removed: 1 }, errors: [] } });
      expect(run.report.filesystem.usedBeforeBytes).toBe(run.report.filesystem.capacityBytes);
      expect(imagesLeft(bench)).toEqual([]);
      expect(await leftInState()).toEqual(['history.json', 'history.lock']);
    },
  );
});

describe('a state directory that can not be written to is told of, and stops nothing', () => {
  it.each([
    ['mkdir', 'EROFS'],
    ['open', 'EACCES'],
    ['sync', 'EDQUOT'],
  ])('where %s fails with %s', async (step, code) => {
    await prepare();
    if (step !== 'mkdir') await mkdir(bench.stateDirectory);
    const run = await runWithFault(step, code);
    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual([]);
    expect(run.report.errors).toEqual([
      { reason: 'HistoryNotWritten', message: expect.stringContaining(`${code}: simulated, ${step} '`) },
    ]);
    if (step !== 'mkdir') expect(await leftInState()).toEqual(['history.lock']);
  });
});

it('a history that can not be replaced stays as it was, and is joined by what comes once it can (N8)', async () => {
  await prepare();
  await runClean(bench);
  const history = `${bench.stateDirectory}/history.json`;
  const before = await readFile(history, 'utf8');
  const fresh = buildImage('docker.io/library/fresh:1');
  updateNode(bench.nodeFile, (node) => ({ ...node, images: [...node.images, fresh] }));
  await runWithFault('write', 'EDQUOT');
  expect(await readFile(history, 'utf8')).toBe(before);
  await runClean(bench);
  expect(await readFile(history, 'utf8')).toContain(fresh.id);
  expect(imagesLeft(bench)).toEqual([nameOf(fresh)]);
});
