import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { buildExecutable, hasExecutable, UnknownArchitectureError } from '../../puller/executable.ts';

/** The architectures of the image, by their names in Node.js and their numbers in ELF. */
const architectures = [
  ['x64', 62],
  ['arm64', 183],
] as const;

/** The program headers of an executable. */
function readSegments(file: Buffer) {
  const [start, size, count] = [Number(file.readBigUInt64LE(32)), file.readUInt16LE(54), file.readUInt16LE(56)];
  return Array.from({ length: count }, (_, index) => {
    const header = file.subarray(start + index * size, start + (index + 1) * size);
    const read = (offset: number) => Number(header.readBigUInt64LE(offset));
    return {
      type: header.readUInt32LE(0),
      flags: header.readUInt32LE(4),
      offset: read(8),
      address: read(16),
      fileSize: read(32),
      memorySize: read(40),
      align: read(48),
    };
  });
}

describe.each(architectures)('the executable for %s (P3)', (architecture, machine) => {
  const file = buildExecutable(architecture);

  it('is a little-endian ELF file of 64 bits for that machine, and smaller than a kilobyte', () => {
    expect(file.subarray(0, 7).toString('latin1')).toBe('\x7fELF\x02\x01\x01');
    expect([file.readUInt16LE(16), file.readUInt16LE(18), file.readUInt32LE(20)]).toEqual([2, machine, 1]);
    expect([file.readUInt16LE(52), file.readUInt16LE(54), file.readUInt16LE(60)]).toEqual([64, 56, 0]);
    expect(file.length).toBeLessThan(1_024);
  });

  it('is static: it has one segment to load, which is not writable, no interpreter, and no executable stack', () => {
    const [code, stack, ...others] = readSegments(file);
    expect(others).toEqual([]);
    expect(code).toMatchObject({ type: 1, flags: 5, offset: 0, fileSize: file.length, memorySize: file.length });
    expect(stack).toMatchObject({ type: 0x6474e551, flags: 6 });
  });

  it('is aligned for the largest pages of both architectures, and begins at its code', () => {
    const [code] = readSegments(file);
    const { address = 0, align } = code ?? {};
    expect([address % 0x10000, align]).toEqual([0, 0x10000]);
    expect(Number(file.readBigUInt64LE(24)) - address).toBe(64 + 2 * 56);
  });
});

it.runIf(process.platform === 'linux' && hasExecutable(process.arch))(
  'the executable of the architecture of this machine ends with exit code 0, without an environment (P3)',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'executable-'));
    const path = join(directory, 'done');
    await writeFile(path, buildExecutable(process.arch), { mode: 0o755 });
    const { exitCode, all } = await execa(path, [], { env: {}, extendEnv: false, all: true });
    await rm(directory, { recursive: true });
    expect({ exitCode, all }).toEqual({ exitCode: 0, all: '' });
  },
);

it.each(['ia32', 's390x', 'constructor'])('there is none for %s, and the error says for which there is one', (name) => {
  expect(hasExecutable(name)).toBe(false);
  expect(() => buildExecutable(name)).toThrow(UnknownArchitectureError);
  expect(() => buildExecutable(name)).toThrow('use an image for x64 or arm64');
});
