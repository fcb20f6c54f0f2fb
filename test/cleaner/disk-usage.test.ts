import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { bytesAbove, usedPercent } from '../../cleaner/disk-usage.ts';
import { measureDisk } from '../../cleaner/filesystem.ts';

const disk = { capacityBytes: 1_000, usedBytes: 760, availableBytes: 190 };

it('the usage in percent leaves out what is reserved for root, as df does', () => {
  expect(usedPercent(disk)).toBe(80);
  expect(usedPercent({ capacityBytes: 0, usedBytes: 0, availableBytes: 0 })).toBe(0);
});

it.each([
  [60, 190],
  [80, 0],
  [90, -95],
])('bytes above %i %% are %i', (percent, bytes) => {
  expect(bytesAbove(percent, disk)).toBeCloseTo(bytes);
});

it('measureDisk measures the filesystem that a directory is on, and makes the directory', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'disk-'));
  const directory = join(parent, 'state');
  try {
    const { capacityBytes, usedBytes, availableBytes } = await measureDisk(directory);
    expect((await stat(directory)).isDirectory()).toBe(true);
    expect(usedBytes).toBeGreaterThan(0);
    expect(usedBytes + availableBytes).toBeLessThanOrEqual(capacityBytes);
  } finally {
    await rm(parent, { recursive: true });
  }
});
