import { mkdir, readdir, readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { buildImage, buildSimulatedNode, updateNode } from '../fixtures/simulated/node.ts';
import { type Bench, type CleanRun, createBench, imagesLeft, nameOf, runClean } from '../helpers/clean.ts';

const faults = new URL('../fixtures/simulated/faults.mjs', import.meta.url).href;
const old = buildImage('docker.io/library/old:1');
const full = { capacityBytes: 10e9, otherBytes: 10e9 - old.sizeBytes, mountpoint: '/' };

let bench: Bench;

afterEach(() => bench.remove());

/** On a node whose disk is full to the last byte, and where one step of writing to it fails. */
async function cleanWithFault(step: string, code: string, job: object = {}): Promise<CleanRun> {
  bench = await createBench(buildSimulatedNode({ images: [old], filesystem: full }), job);
  if (step !== 'mkdir') await mkdir(bench.stateDirectory);
  return runWithFault(step, code);
}

function runWithFault(step: string, code: string): Promise<CleanRun> {
  return runClean(bench, [], {
    NODE_OPTIONS: `--import ${faults}`,
    DISK_FAULT_BELOW: bench.stateDirectory,
    DISK_FAULT_STEP: step,
    DISK_FAULT_CODE: code,
  });
}

async function leftInState(): Promise<readonly string[]> {
  return (await readdir(bench.stateDirectory)).toSorted();
}

describe('a disk that is full does not keep the cleaner from making room (N6)', () => {
  it.each(['mkdir', 'write', 'rename'])(
    'where %s fails, and the history is written once there is room',
    async (step) => {
      const run = await cleanWithFault(step, 'ENOSPC', { disk: { highPercent: 85, lowPercent: 80 } });
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
    const run = await cleanWithFault(step, code);
    expect(run.exitCode).toBe(0);
    expect(imagesLeft(bench)).toEqual([]);
    expect(run.report.errors).toEqual([
      { reason: 'HistoryNotWritten', message: expect.stringContaining(`${code}: simulated, ${step} '`) },
    ]);
    if (step !== 'mkdir') expect(await leftInState()).toEqual(['history.lock']);
  });
});

it('a history that can not be replaced stays as it was, and is joined by what comes once it can (N8)', async () => {
  await cleanWithFault('none', 'none');
  const history = `${bench.stateDirectory}/history.json`;
  const before = await readFile(history, 'utf8');
  const fresh = buildImage('docker.io/library/fresh:1');
  updateNode(bench.nodeFile, (node) => ({ ...node, images: [...node.images, fresh] }));
  await runWithFault('write', 'EDQUOT');
  expect(await readFile(history, 'utf8')).toBe(before);
  await runWithFault('none', 'none');
  expect(await readFile(history, 'utf8')).toContain(fresh.id);
  expect(imagesLeft(bench)).toEqual([nameOf(fresh)]);
});
