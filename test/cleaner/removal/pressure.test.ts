import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findPressed, findPressedBetween, parseStall } from '../../../cleaner/removal/pressure.ts';
import { readPressure } from '../../../cleaner/removal/pressure-file.ts';

const calm =
  'some avg10=0.00 avg60=26.74 avg300=35.56 total=3292790558\nfull avg10=90.00 avg60=0.00 avg300=0.00 total=1\n';
const stalled = (recentPercent: number, totalUs = 0) => ({ recentPercent, totalUs });

it.each<[what: string, text: string, stall: ReturnType<typeof parseStall>]>([
  ['the line of some', calm, stalled(0, 3_292_790_558)],
  ['it without the other line', 'some avg10=9.86 avg60=2.12 avg300=2.19 total=243569530\n', stalled(9.86, 243_569_530)],
  ['nothing of an empty file', '', undefined],
  ['nothing of something else', 'some avg10=much total=more\n', undefined],
])('parseStall reads %s', (_, text, stall) => {
  expect(parseStall(text)).toEqual(stall);
});

it.each([
  ['nobody', { io: stalled(39.9), memory: stalled(9.9) }, []],
  ['some for the disk', { io: stalled(40), memory: stalled(0) }, ['io']],
  ['some for memory', { memory: stalled(10) }, ['memory']],
  ['nobody, as far as the kernel reports', {}, []],
] as const)('recently %s waited for a long time', (_, pressure, resources) => {
  expect(findPressed(pressure)).toEqual(resources);
});

it.each([
  ['as long', { io: stalled(99, 1_000) }, { io: stalled(99, 1_000) }, []],
  ['a bit less than two fifths longer', { io: stalled(0, 1_000) }, { io: stalled(0, 40_900) }, []],
  ['two fifths longer', { io: stalled(0, 1_000) }, { io: stalled(0, 41_000) }, ['io']],
  ['a tenth longer for memory', { memory: stalled(0, 0) }, { memory: stalled(0, 10_000) }, ['memory']],
  ['for an unknown time, because the kernel no longer reports it', { io: stalled(0, 0) }, {}, []],
] as const)('within 100 ms, tasks waited %s', (_, before, after, resources) => {
  expect(findPressedBetween(before, after, 100)).toEqual(resources);
});

describe('readPressure', () => {
  it('reads the figures of the kernel for the node', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pressure-'));
    await writeFile(join(directory, 'io'), calm);
    await writeFile(join(directory, 'memory'), 'some avg10=1.50 avg60=0.00 avg300=0.00 total=7\n');
    expect(await readPressure(directory)).toEqual({ io: stalled(0, 3_292_790_558), memory: stalled(1.5, 7) });
    await rm(join(directory, 'io'));
    expect(await readPressure(directory)).toEqual({ memory: stalled(1.5, 7) });
    await rm(directory, { recursive: true });
  });

  it('reads nothing if the kernel reports nothing', async () => {
    expect(await readPressure('/nowhere')).toEqual({});
  });
});
