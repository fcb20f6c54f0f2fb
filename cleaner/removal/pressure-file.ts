import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pressure, parseStall, type Stall } from './pressure.ts';

/** The kernel's own, for the whole node also inside of a container. */
const kernelDirectory = '/proc/pressure';

/** Reads the pressure on this node: empty where the kernel doesn't tell it. */
export async function readPressure(directory = kernelDirectory): Promise<Pressure> {
  const [io, memory] = await Promise.all([readStall(join(directory, 'io')), readStall(join(directory, 'memory'))]);
  return { ...(io && { io }), ...(memory && { memory }) };
}

/** Kernels without it have no such file, or one that can't be read. */
async function readStall(path: string): Promise<Stall | undefined> {
  return parseStall(await readFile(path, 'utf8').catch(() => ''));
}
