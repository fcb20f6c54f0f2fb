import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Prepared, parsePrepared } from '../../contract/prepared.ts';
import { buildExecutable, hasExecutable } from '../../puller/executable.ts';
import { bundledProgram, compileCache } from '../helpers/bundle.ts';
import { runProgram } from '../helpers/program.ts';

/** Preloaded, it gives a process the answers of statfs in the variable STATFS, by path. */
const presetStatfs = fileURLToPath(new URL('../fixtures/preset-statfs.mjs', import.meta.url));

let directory: string;
let report: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'prepare-'));
  report = join(directory, 'termination-log');
  await writeFile(report, '');
});
afterEach(() => rm(directory, { recursive: true }));

const overlay = 0x794c7630;
const ext4 = 0xef53;
/** A filesystem of 1,000 blocks of which a part is available. */
const disk = (type: number, bavail: number, ffree = 900) => ({
  ...{ type, bsize: 4_096, blocks: 1_000, bfree: bavail, bavail, files: 1_000, ffree },
});

interface Result {
  readonly exitCode: number | undefined;
  readonly prepared: Prepared | undefined;
  readonly stdout: string;
}

/** Runs the command on filesystems: that of its own root, and that of the shared directory. */
async function prepare(root: object, shared: object, ...more: readonly string[]): Promise<Result> {
  const args = ['prepare', '--directory', directory, '--report', report, ...more];
  const env = { ...compileCache(), STATFS: JSON.stringify({ '/': root, [directory]: shared }) };
  const command = ['--import', presetStatfs, bundledProgram(), ...args];
  const { exitCode, stdout } = await execa(process.execPath, command, { reject: false, env });
  return { exitCode, stdout, prepared: parsePrepared(await readFile(report, 'utf8')) };
}

const files = async () => (await readdir(directory)).filter((name) => name !== 'termination-log');

it.runIf(hasExecutable(process.arch))(
  'on a disk with space it writes the executable, which everybody may run, and tells that it is ready (P3, P16)',
  async () => {
    const { exitCode, prepared, stdout } = await prepare(disk(overlay, 300), disk(ext4, 0), '--max-percent', '80');
    expect({ exitCode, prepared }).toEqual({
      exitCode: 0,
      prepared: { version: 1, outcome: 'Ready', usedPercent: 70 },
    });
    expect(JSON.parse(stdout)).toEqual(prepared);
    const path = join(directory, 'done');
    expect(await readFile(path)).toEqual(buildExecutable(process.arch));
    expect((await stat(path)).mode & 0o777).toBe(0o755);
    expect((await execa(path)).exitCode).toBe(0);
  },
);

it('it writes no executable on a disk that is fuller than the policy allows, and reports the figures (P16)', async () => {
  const { exitCode, prepared } = await prepare(disk(overlay, 199), disk(ext4, 900), '--max-percent', '80');
  expect({ exitCode, prepared }).toEqual({
    exitCode: 1,
    prepared: {
      version: 1,
      outcome: 'DiskTooFull',
      usedPercent: 80.1,
      maxPercent: 80,
      availableBytes: 199 * 4_096,
      capacityBytes: 1_000 * 4_096,
    },
  });
  expect(await files()).toEqual([]);
});

it.each([
  ['at the limit is not too full', disk(overlay, 200), disk(ext4, 0), 0],
  ['is too full if inodes are scarce, as for the kubelet', disk(overlay, 900, 100), disk(ext4, 900), 1],
  [
    'is that of the shared directory if the root of the container is not on overlayfs',
    disk(ext4, 900),
    disk(ext4, 0),
    1,
  ],
  ['is that of its root if the node has a filesystem of its own for images', disk(overlay, 900), disk(ext4, 0), 0],
])('a disk %s (P16)', async (_, root, shared, expected) => {
  expect((await prepare(root, shared, '--max-percent', '80')).exitCode).toBe(expected);
});

it('the disk may be full without a limit, because the pod pulls nothing (P10)', async () => {
  expect((await prepare(disk(overlay, 0), disk(ext4, 0))).exitCode).toBe(0);
});

it('a directory that does not exist is an error with its path, also in the report', async () => {
  const { exitCode } = await runProgram(['prepare', '--directory', join(directory, 'missing'), '--report', report]);
  expect(exitCode).toBe(2);
  expect(parsePrepared(await readFile(report, 'utf8'))).toMatchObject({
    outcome: 'Failed',
    message: expect.stringContaining(join(directory, 'missing')),
  });
});

it('a report that cannot be written is an error, although the executable exists', async () => {
  const missing = join(directory, 'missing/report');
  const { exitCode, stderr } = await runProgram(['prepare', '--directory', directory, '--report', missing]);
  expect(exitCode).toBe(2);
  expect(stderr).toContain(`the result can't be written to ${missing}`);
});

it('wrong arguments are reported with exit code 2', async () => {
  for (const args of [
    [],
    ['--directory', directory, '--max-percent', '101'],
    ['--directory', directory, '--max-percent', ''],
  ])
    expect((await runProgram(['prepare', ...args])).exitCode).toBe(2);
  expect(await files()).toEqual([]);
});

it('it is not in the list of commands, because it is not for users', async () => {
  expect((await runProgram(['--help'])).stdout).not.toContain('prepare');
  expect((await runProgram(['prepare', '--help'])).stdout).toContain('internal');
});

it.each([['{'], ['{}'], ['{"version":2,"outcome":"Ready","usedPercent":1}'], ['exec format error'], ['']])(
  'a text that is no result is not taken for one: %j',
  (text) => expect(parsePrepared(text)).toBeUndefined(),
);
