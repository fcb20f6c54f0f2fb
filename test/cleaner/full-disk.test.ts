import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
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

describe('the cleaner frees space on a full disk if a good history shows which images are old (N6, H27)', () => {
  it.each(['open', 'write', 'rename'])(
    'if %s fails, and history and report are written when there is room',
    async (step) => {
      await prepare({ disk: { highPercent: 85, lowPercent: 80 } });
      await runClean(bench, ['--dry-run']);
      const run = await runWithFault(step, 'ENOSPC', bench.directory);
      expect(run).toMatchObject({ exitCode: 0, report: { outcome: 'TargetNotMet', images: { removed: 1 } } });
      expect(run.report.errors).toEqual([
        expect.objectContaining({ reason: 'TargetNotMet' }),
        { reason: 'HistoryNotWritten', message: expect.stringMatching(/ENOSPC.*: no image counts as long unused$/) },
      ]);
      expect(run.report.filesystem.usedBeforeBytes).toBe(run.report.filesystem.capacityBytes);
      expect(imagesLeft(bench)).toEqual([]);
      expect(await leftInState()).toEqual(['history.json', 'history.lock']);
    },
  );

  it('the cleaner removes no image on a full disk because it is long unused: nobody knows which images were used since the history was written', async () => {
    await prepare({ images: { maxUnusedAge: '1s' } });
    await runClean(bench, ['--dry-run']);
    await setTimeout(1_500);
    expect((await runWithFault('write', 'ENOSPC')).report.images.removed).toBe(0);
    expect(imagesLeft(bench)).toEqual([nameOf(old)]);
  });
});

describe('a state directory that cannot be written makes every image count as just seen, and is in the report (H27)', () => {
  it.each([
    ['mkdir', 'EROFS', false],
    ['mkdir', 'ENOSPC', false],
    ['open', 'ENOSPC', false],
    ['open', 'EACCES', false],
    ['open', 'EROFS', true],
    ['sync', 'EDQUOT', false],
    ['rename', 'EIO', true],
  ])('if %s fails with %s, with an earlier history: %s', async (step, code, hasHistory) => {
    await prepare();
    if (hasHistory) await runClean(bench, ['--dry-run']);
    else if (step !== 'mkdir') await mkdir(bench.stateDirectory);
    const run = await runWithFault(step, code);
    expect(run).toMatchObject({ exitCode: 0, report: { outcome: 'Succeeded', images: { removed: 0, kept: 1 } } });
    expect(run.images).toMatchObject([{ decision: 'keep', reason: 'TooYoung' }]);
    const message = expect.stringMatching(`${code}: simulated, ${step} '.*: every image counts as just seen$`);
    expect(run.report.errors).toEqual([{ reason: 'HistoryNotWritten', message }]);
    expect(run.events).toContainEqual(expect.objectContaining({ event: 'history', level: 'warn', msg: message }));
  });

  it('a policy without minAge still removes unused images', async () => {
    await prepare({ images: { minAge: '0s' } });
    const run = await runWithFault('mkdir', 'EROFS');
    expect(run.report).toMatchObject({ outcome: 'Succeeded', images: { removed: 1 } });
    expect(run.report.errors).toHaveLength(1);
  });
});

describe('a history that is not reliable is in the report, and is no first run', () => {
  const historyFile = () => `${bench.stateDirectory}/history.json`;

  it.each<[what: string, spoil: (text: string) => string]>([
    ['cut off', (text) => text.slice(0, -9)],
    ['empty', () => ''],
    ['of another version', (text) => text.replace('"version":1', '"version":2')],
  ])('a history that is %s makes every image count as just seen, once (H27)', async (_, spoil) => {
    await prepare();
    await runClean(bench, ['--dry-run']);
    await writeFile(historyFile(), spoil(await readFile(historyFile(), 'utf8')));
    const run = await runClean(bench);
    expect(run.images).toMatchObject([{ decision: 'keep', reason: 'TooYoung' }]);
    expect(run.report).toMatchObject({ outcome: 'Succeeded', errors: [{ reason: 'HistoryDamaged' }] });
    expect((await runClean(bench)).report).toMatchObject({ images: { kept: 1 }, errors: [] });
  });

  it.each(['-1e20', '1e308', '1e999', '"never"'])('one time of %s damages only one record (H30)', async (time) => {
    await prepare();
    const other = buildImage('docker.io/library/other:1');
    updateNode(bench.nodeFile, (node) => ({ ...node, images: [...node.images, other] }));
    await runClean(bench, ['--dry-run']);
    const odd = `"${old.id}":{"firstSeen":${time}}`;
    const text = await readFile(historyFile(), 'utf8');
    await writeFile(historyFile(), text.replace(`"${old.id}":{"firstSeen":0}`, odd));
    const run = await runClean(bench);
    expect(imagesLeft(bench)).toEqual([nameOf(old)]);
    expect(run.report).toMatchObject({ outcome: 'Succeeded', images: { removed: 1, kept: 1 } });
    expect(run.report.errors).toMatchObject([
      { reason: 'HistoryDamaged', message: expect.stringContaining('1 records') },
    ]);
  });
});

it('a history that was written by a later cleaner makes no image older (H23)', async () => {
  await prepare({ images: { minAge: '2m', maxUnusedAge: '2m' } });
  await runClean(bench, ['--dry-run']);
  const path = `${bench.stateDirectory}/history.json`;
  const file = JSON.parse(await readFile(path, 'utf8'));
  const aheadMs = 66_000;
  const later = { startedAt: file.startedAt + aheadMs, updatedAt: file.updatedAt + aheadMs };
  const images = { [old.id]: { firstSeen: later.updatedAt, lastUsed: later.updatedAt } };
  await writeFile(path, JSON.stringify({ ...file, ...later, uptimeMs: file.uptimeMs + aheadMs, images }));
  expect((await runClean(bench)).report.images).toMatchObject({ removed: 0, kept: 1 });
  const [record] = Object.values<{ firstSeen: number }>(JSON.parse(await readFile(path, 'utf8')).images);
  expect(record?.firstSeen).toBeGreaterThan(file.updatedAt);
});

it('a history that cannot be replaced stays as it was, and gets the new entries when it can be replaced (N8)', async () => {
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
