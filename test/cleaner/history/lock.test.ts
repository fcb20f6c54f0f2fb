import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readClock } from '../../../cleaner/history/clock.ts';
import { formatHistory } from '../../../cleaner/history/format.ts';
import { takeLock } from '../../../cleaner/history/lock.ts';
import { changeHistory, loadHistory } from '../../../cleaner/history/store.ts';
import { buildHistory } from '../../helpers/inventory.ts';

const program = fileURLToPath(new URL('../../fixtures/history/cleaner.ts', import.meta.url));
const impatient = { waitMs: 50, holdMs: 5_000 };

let directory: string;
let lockFile: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lock-'));
  lockFile = join(directory, 'history.lock');
});

afterEach(() => rm(directory, { recursive: true }));

function startCleaner(...args: readonly string[]) {
  return execa(process.execPath, [program, directory, ...args]);
}

/** A process that holds the lock until it is killed. */
async function startHanging() {
  const subprocess = startCleaner('hang');
  const ended = subprocess.catch(() => undefined);
  await once(subprocess.stdout, 'data');
  const kill = async () => {
    subprocess.kill('SIGKILL');
    await ended;
  };
  return { kill };
}

async function recordsLeft(): Promise<readonly string[]> {
  const loaded = await loadHistory({ directory, readClock });
  return loaded.kind === 'Found' ? [...loaded.history.images.keys()].toSorted() : [];
}

function namesOf(cleaners: number, count: number): readonly string[] {
  return Array.from({ length: cleaners * count }, (_, index) => `${index % cleaners}-${Math.floor(index / cleaners)}`);
}

it('many cleaners at once lose no entry of another cleaner (T24)', async () => {
  const cleaners = Array.from({ length: 6 }, (_, index) => startCleaner(String(index), '5'));
  expect((await Promise.all(cleaners)).map(({ stdout }) => stdout)).toEqual(Array(6).fill(''));
  expect(await recordsLeft()).toEqual(namesOf(6, 5).toSorted());
  expect((await readdir(directory)).toSorted()).toEqual(['history.json', 'history.lock']);
});

it('the lock of a killed cleaner goes to each waiting cleaner in turn (T24)', async () => {
  const hanging = await startHanging();
  const cleaners = Array.from({ length: 6 }, (_, index) => startCleaner(String(index), '3'));
  expect((await takeLock(lockFile, impatient)).problem).toMatch(/another cleaner has held .*history.lock for 0.05 s/);
  expect(await recordsLeft()).toEqual([]);
  await hanging.kill();
  await Promise.all(cleaners);
  expect(await recordsLeft()).toEqual(namesOf(6, 3).toSorted());
});

it('a lock leaves nothing behind that could become stale: its file stays empty', async () => {
  const hanging = await startHanging();
  await hanging.kill();
  expect(await readdir(directory)).toEqual(['history.lock']);
  expect((await stat(lockFile)).size).toBe(0);
  const lock = await takeLock(lockFile, impatient);
  expect(lock.problem).toBeUndefined();
  lock.release();
});

it('an owner that hangs delays the others only for a time: they continue without the lock, and report it', async () => {
  const owner = await takeLock(lockFile);
  const place = { directory, readClock, limits: impatient, onUnlocked: vi.fn() };
  await changeHistory(place, () => buildHistory({ theirs: { firstSeen: Date.now() } }));
  expect(place.onUnlocked).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/another cleaner has held/));
  expect(await recordsLeft()).toEqual(['theirs']);
  owner.release();
});

it('an owner that took too long starts again with the entries that others wrote in the meantime', async () => {
  let calls = 0;
  await changeHistory({ directory, readClock, limits: { waitMs: 10_000, holdMs: -1 } }, (stored) => {
    const theirs = formatHistory(buildHistory({ theirs: { firstSeen: 1 } }), stored.at);
    if (calls++ === 0) writeFileSync(join(directory, 'history.json'), theirs);
    const before = stored.kind === 'Found' ? stored.history.images : [];
    return buildHistory({ ...Object.fromEntries(before), ours: { firstSeen: 1 } });
  });
  expect(await recordsLeft()).toEqual(['ours', 'theirs']);
  expect(calls).toBe(3);
  expect((await readdir(directory)).toSorted()).toEqual(['history.json', 'history.lock']);
});

describe('if the lock is not available', () => {
  it.each<[what: string, spoil: () => Promise<unknown>, problem: RegExp]>([
    ['its file is a directory', () => mkdir(lockFile), /can't be locked: unable to open database file/],
    ['its file is something else', () => writeFile(lockFile, 'x'.repeat(5_000)), /locked: file is not a database/],
  ])('the change is made without it, and the reason is reported: %s', async (_, spoil, problem) => {
    await spoil();
    const onUnlocked = vi.fn();
    await changeHistory({ directory, readClock, onUnlocked }, () => buildHistory({ a: { firstSeen: 1 } }));
    expect(onUnlocked).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(problem));
    expect(await recordsLeft()).toEqual(['a']);
    expect((await readdir(directory)).toSorted()).toEqual(['history.json', 'history.lock']);
  });
});
