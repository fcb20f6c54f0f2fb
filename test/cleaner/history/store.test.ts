import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../cleaner/history/clock.ts';
import type { History } from '../../../cleaner/history/history.ts';
import { changeHistory, loadHistory } from '../../../cleaner/history/store.ts';
import { buildHistory, dayMs, minuteMs, now } from '../../helpers/inventory.ts';

const clock: Clock = { now, uptimeMs: dayMs, bootId: 'boot-1' };
const buildLooked = (records: Parameters<typeof buildHistory>[0]) => ({ ...buildHistory(records), lookedAt: now });
const history = buildLooked({ 'sha256:a': { firstSeen: 0 }, 'sha256:b': { firstSeen: 5, lastUsed: now - 1 } });

let parent: string;
let directory: string;
let file: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'history-'));
  directory = join(parent, 'state');
  file = join(directory, 'history.json');
});

afterEach(() => rm(parent, { recursive: true }));

const placeAt = (at: Clock) => ({ directory, readClock: async () => at });
const load = (at = clock) => loadHistory(placeAt(at));
const save = (changed: History = history, at = clock) => changeHistory(placeAt(at), () => changed);

it('a saved history is read back, from a directory that is created for it, without leftovers (N8)', async () => {
  directory = join(parent, 'deep', 'below');
  await save();
  expect(await load()).toEqual({ kind: 'Found', at: clock, history });
  expect((await readdir(directory)).toSorted()).toEqual(['history.json', 'history.lock']);
});

it('a node without a history has none', async () => {
  expect(await load()).toEqual({ kind: 'Missing', at: clock });
});

it('a change applies to the history that is stored at that time (T24)', async () => {
  await save(buildHistory({ theirs: { firstSeen: 7 } }));
  await changeHistory(placeAt(clock), (stored) => {
    if (stored.kind !== 'Found') return history;
    return { ...stored.history, images: new Map([...stored.history.images, ['ours', { firstSeen: 8 }]]) };
  });
  expect(await load()).toEqual({
    kind: 'Found',
    at: clock,
    history: buildLooked({ theirs: { firstSeen: 7 }, ours: { firstSeen: 8 } }),
  });
});

describe('a change that fails leaves no draft behind', () => {
  it('if a file is in the place of the directory', async () => {
    await writeFile(directory, 'a file where the directory should be');
    await expect(save()).rejects.toThrow('ENOTDIR');
    expect(await readdir(parent)).toEqual(['state']);
  });

  it('if the file cannot be replaced', async () => {
    await mkdir(file, { recursive: true });
    await expect(save()).rejects.toThrow('EISDIR');
    expect((await readdir(directory)).toSorted()).toEqual(['history.json', 'history.lock']);
  });

  it('and ends, if directories cannot be created', async () => {
    directory = '/proc/nodesweep/state';
    await expect(save()).rejects.toThrow("ENOENT: no such file or directory, mkdir '/proc/nodesweep'");
  });
});

it('the next cleaner replaces the draft of a cleaner that was killed', async () => {
  await save();
  await writeFile(`${file}.tmp`, 'x'.repeat(100_000));
  await save();
  expect(await load()).toEqual({ kind: 'Found', at: clock, history });
  expect((await readdir(directory)).toSorted()).toEqual(['history.json', 'history.lock']);
});

describe('a history is damaged', () => {
  it.each<[what: string, spoil: (text: string) => string]>([
    ['empty', () => ''],
    ['half-written', (text) => text.slice(0, text.length / 2)],
    ['of another version', (text) => text.replace('"version":1', '"version":2')],
    ['of another shape', () => '[]'],
    ['without images', (text) => text.replace(/"images":\{.*\}\}/, '"images":[]}')],
    ['with an impossible start time', (text) => text.replace('"startedAt":0', '"startedAt":-1e20')],
    ['with an impossible write time', (text) => text.replace(/"updatedAt":\d+/, '"updatedAt":1e308')],
    ['with an impossible uptime', (text) => text.replace(/"uptimeMs":\d+/, '"uptimeMs":-1')],
  ])('when it is %s (N8, H27)', async (_, spoil) => {
    await save();
    await writeFile(file, spoil(await readFile(file, 'utf8')));
    const reason = `${file} is damaged or of another version`;
    expect(await load()).toEqual({ kind: 'Damaged', at: clock, reason });
    await save();
    expect(await load()).toEqual({ kind: 'Found', at: clock, history });
  });

  it.each<[what: string, make: () => Promise<unknown>, reason: string]>([
    ['huge', () => writeFile(file, '').then(() => truncate(file, 2 ** 40)), 'is larger than 4194304 bytes'],
    ['a device that never ends', () => symlink('/dev/zero', file), 'is not a regular file'],
    ['a pipe that nobody writes to', async () => execFileSync('mkfifo', [file]), 'is not a regular file'],
    ['a directory', () => mkdir(file), 'is not a regular file'],
  ])('when it is %s, and it is not read', async (_, make, reason) => {
    await mkdir(directory);
    await make();
    expect(await load()).toEqual({ kind: 'Damaged', at: clock, reason: `${file} ${reason}` });
  });
});

describe('one odd record is left out and reported, and the others stay (H30)', () => {
  it.each([
    '"firstSeen":-1e20',
    '"firstSeen":1e308',
    '"firstSeen":1e999',
    '"firstSeen":null',
    '"firstSeen":"long ago"',
    '"firstSeen":-8.6e15',
    '"firstSeen":5,"lastUsed":-1e20',
    '"firstSeen":5,"lastUsed":null',
    '"lastUsed":5',
  ])('{%s}', async (odd) => {
    await save();
    await writeFile(file, (await readFile(file, 'utf8')).replace('"firstSeen":0', odd));
    expect(await load()).toEqual({
      kind: 'Found',
      at: clock,
      history: buildLooked({ 'sha256:b': { firstSeen: 5, lastUsed: now - 1 } }),
      reason: `1 records of ${file} are impossible and are ignored`,
    });
  });

  it('{"__proto__": …} is an image like any other, which does not exist', async () => {
    await save();
    await writeFile(file, (await readFile(file, 'utf8')).replace('"sha256:a"', '"__proto__"'));
    const loaded = await load();
    expect(loaded.kind === 'Found' && [...loaded.history.images.keys()]).toEqual(['__proto__', 'sha256:b']);
    expect(Object.prototype).not.toHaveProperty('firstSeen');
  });
});

it('if there are more images than fit, the most recently active ones are left out: they count as new anyway', async () => {
  const idOf = (index: number) => `sha256:${String(index).padStart(64, '0')}`;
  const records = Array.from({ length: 20_001 }, (_, index) => [idOf(index), { firstSeen: 30_000 - index }]);
  await save(buildHistory(Object.fromEntries(records)));
  const loaded = await load();
  const ids = loaded.kind === 'Found' ? [...loaded.history.images.keys()] : [];
  expect(ids).toHaveLength(20_000);
  expect(ids).not.toContain(idOf(0));
});

describe('time counts while the node is known to be up (N8, T25):', () => {
  const earlier = buildHistory({ old: { firstSeen: 0 }, recent: { firstSeen: now - dayMs, lastUsed: now - minuteMs } });
  const rebooted = { uptimeMs: 5 * minuteMs, bootId: 'boot-2' };

  it.each<[what: string, later: Clock, agedMs: number, isClockSteady: boolean]>([
    ['a minute', { now: now + minuteMs, uptimeMs: dayMs + minuteMs, bootId: 'boot-1' }, minuteMs, true],
    ['a clock that was set right by seconds', { ...clock, now: now - 5_000 }, 0, true],
    ['a clock that jumped ahead by a year', { ...clock, now: now + 365 * dayMs }, 0, false],
    ['a clock that jumped back by a year', { ...clock, now: now - 365 * dayMs }, 0, false],
    ['a clock that began in 1970 with a restart', { now: 1_000, ...rebooted }, 5 * minuteMs, false],
    ['a node that was off for a month', { now: now + 30 * dayMs, ...rebooted }, 5 * minuteMs, false],
    ['a system that reports no boot ID', { now: now + minuteMs, uptimeMs: dayMs + minuteMs }, minuteMs, true],
    [
      'a restart of a system that reports no boot ID',
      { now: now + dayMs, uptimeMs: 5 * minuteMs },
      5 * minuteMs,
      false,
    ],
    [
      'another cleaner that read the node a moment later',
      { now: now - 10, uptimeMs: dayMs - 10, bootId: 'boot-1' },
      -10,
      true,
    ],
    [
      'another cleaner that read the node an hour later (H23)',
      { now: now - 60 * minuteMs, uptimeMs: dayMs - 60 * minuteMs, bootId: 'boot-1' },
      -60 * minuteMs,
      true,
    ],
    [
      'another cleaner that read the node an hour later, on a system that reports no boot ID (H23)',
      { now: now - 60 * minuteMs, uptimeMs: dayMs - 60 * minuteMs },
      -60 * minuteMs,
      true,
    ],
  ])('%s', async (_, later, agedMs, isClockSteady) => {
    const { bootId, ...bare } = clock;
    await save(earlier, later.bootId === undefined ? bare : clock);
    const loaded = await load(later);
    const at = (time: number) => Math.min(later.now, time - now + later.now - agedMs);
    expect(loaded).toEqual({
      kind: 'Found',
      at: later,
      history: {
        startedAt: at(0),
        lookedAt: at(now),
        isClockSteady,
        images: new Map([
          ['old', { firstSeen: 0 }],
          ['recent', { firstSeen: at(now - dayMs), lastUsed: at(now - minuteMs) }],
        ]),
      },
    });
  });

  it('a time in the future counts as now', async () => {
    await save(buildLooked({ a: { firstSeen: now + dayMs, lastUsed: 8.64e15 } }));
    const loaded = await load();
    expect(loaded).toEqual({
      kind: 'Found',
      at: clock,
      history: buildLooked({ a: { firstSeen: now, lastUsed: now } }),
    });
  });
});
