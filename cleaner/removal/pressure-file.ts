import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Pressure, parseStall, type Stall } from './pressure.ts';

/** The directory of the kernel, which shows the whole node, also in a container. */
const kernelDirectory = '/proc/pressure';

/** Reads the pressure on this node; empty if the kernel does not report it. */
export async function readPressure(directory = kernelDirectory): Promise<Pressure> {
  const [io, memory] = await Promise.all([readStall(join(directory, 'io')), readStall(join(directory, 'memory'))]);
  return { ...(io && { io }), ...(memory && { memory }) };
}

/** A kernel without pressure information has no such file, or an unreadable one. */
async function readStall(path: string): Promise<Stall | undefined> {
  return parseStall(await readFile(path, 'utf8').catch(() => ''));
}
