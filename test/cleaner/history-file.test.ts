import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../cleaner/clock.ts';
import { loadHistory, saveHistory } from '../../cleaner/history-file.ts';
import { buildHistory, dayMs, minuteMs, now } from '../helpers/inventory.ts';

const clock: Clock = { now, uptimeMs: dayMs, bootId: 'boot-1' };
const history = buildHistory({ 'sha256:a': { firstSeen: 0 }, 'sha256:b': { firstSeen: 5, lastUsed: now - 1 } });

let parent: string;
let directory: string;

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'history-'));
  directory = join(parent, 'state');
});

afterEach(() => rm(parent, { recursive: true }));

it('what is saved is found again, in a directory made for it and without leftovers (N8)', async () => {
  await saveHistory(directory, history, clock);
  expect(await loadHistory(directory, clock)).toEqual({ kind: 'Found', history });
  expect(await readdir(directory)).toEqual(['history.json']);
});

it('a node without a history has none', async () => {
  expect(await loadHistory(directory, clock)).toEqual({ kind: 'Missing' });
});

it('what another cleaner saved meanwhile is joined in (T24)', async () => {
  await saveHistory(directory, buildHistory({ 'sha256:a': { firstSeen: 0, lastUsed: now - 7 } }), clock);
  await saveHistory(directory, history, clock);
  const joined = buildHistory({
    ...Object.fromEntries(history.images),
    'sha256:a': { firstSeen: 0, lastUsed: now - 7 },
  });
  expect(await loadHistory(directory, clock)).toEqual({ kind: 'Found', history: joined });
});

it('a disk that can not be written to leaves the old file alone, and no draft', async () => {
  await saveHistory(directory, history, clock);
  await rm(directory, { recursive: true });
  await writeFile(directory, 'a file where the directory should be');
  await expect(saveHistory(directory, history, clock)).rejects.toThrow();
  expect(await readdir(parent)).toEqual(['state']);
});

it('a history that can not be replaced leaves no draft behind', async () => {
  await mkdir(join(directory, 'history.json'), { recursive: true });
  await expect(saveHistory(directory, history, clock)).rejects.toThrow('EISDIR');
  expect(await readdir(directory)).toEqual(['history.json']);
});

describe('a history is as good as none', () => {
  it.each<[what: string, spoil: (text: string) => string]>([
    ['empty', () => ''],
    ['half-written', (text) => text.slice(0, text.length / 2)],
    ['of another version', (text) => text.replace('"version":1', '"version":2')],
    ['of another shape', () => '[]'],
    ['holds no numbers', (text) => text.replace('"firstSeen":0', '"firstSeen":"long ago"')],
  ])('when it is %s (N8)', async (_, spoil) => {
    await saveHistory(directory, history, clock);
    const path = join(directory, 'history.json');
    await writeFile(path, spoil(await readFile(path, 'utf8')));
    expect(await loadHistory(directory, clock)).toEqual({
      kind: 'Discarded',
      reason: `${path} is damaged or of another version`,
    });
  });

  it.each<[what: string, later: Clock, jumped: boolean]>([
    ['a minute passed', { now: now + minuteMs, uptimeMs: dayMs + minuteMs, bootId: 'boot-1' }, false],
    ['the clock was set right by seconds', { ...clock, now: now - 5_000 }, false],
    ['the clock jumped ahead by a day', { ...clock, now: now + dayMs }, true],
    ['the clock jumped back by a day', { ...clock, now: now - dayMs }, true],
    ['the clock jumped back with a restart', { now: now - dayMs, uptimeMs: 1, bootId: 'boot-2' }, true],
    ['the node was off for a month', { now: now + 30 * dayMs, uptimeMs: 1, bootId: 'boot-2' }, false],
    ['the system tells no boot', { now: now + dayMs, uptimeMs: 1 }, false],
  ])('when the clock jumped: %s (N8, T25)', async (_, later, jumped) => {
    await saveHistory(directory, history, clock);
    expect((await loadHistory(directory, later)).kind).toBe(jumped ? 'Discarded' : 'Found');
  });
});
