import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { usedPercent } from '../contract/disk-usage.ts';
import { messageOf } from '../contract/errors.ts';
import type { Prepared } from '../contract/prepared.ts';
import { measureDisk } from './disk.ts';
import { buildExecutable } from './executable.ts';

export interface PrepareOptions {
  /** The directory that all containers of the pod share. */
  readonly directory: string;
  /** Nothing may be pulled to a disk that is fuller, in percent. Without it the disk is not measured. */
  readonly maxPercent: number | undefined;
  /** The path of the result: the termination message. */
  readonly report: string | undefined;
}

/** The name of the executable in the shared directory. */
const executableName = 'done';

/**
 * Does the first step of a puller: looks at the disk, and writes the executable that the containers of the images run. The
 * kubelet pulls no image of the pod before it has ended with exit code 0. Prints the result, and returns the exit code: 0
 * ready, 1 the disk is too full, 2 an error.
 */
export async function prepare(options: PrepareOptions): Promise<number> {
  const prepared = await tryToPrepare(options).catch(
    (error): Prepared => ({ version: 1, outcome: 'Failed', message: messageOf(error) }),
  );
  const text = JSON.stringify(prepared);
  console.log(text);
  if (options.report !== undefined && !(await isWritten(options.report, text))) return 2;
  return exitCodeOf(prepared);
}

async function tryToPrepare({ directory, maxPercent }: PrepareOptions): Promise<Prepared> {
  const disk = await measureDisk(directory);
  const used = roundUp(usedPercent(disk));
  if (maxPercent !== undefined && usedPercent(disk) > maxPercent) {
    const { availableBytes, capacityBytes } = disk;
    return { version: 1, outcome: 'DiskTooFull', usedPercent: used, maxPercent, availableBytes, capacityBytes };
  }
  await writeExecutable(join(directory, executableName));
  return { version: 1, outcome: 'Ready', usedPercent: used };
}

/** Rounds up, so that a disk above the limit is never told of as one at the limit. */
function roundUp(percent: number): number {
  return Math.ceil(percent * 10) / 10;
}

/** Sets the mode in a second step, because the umask may take rights away. Each container may run as another user. */
async function writeExecutable(path: string): Promise<void> {
  await writeFile(path, buildExecutable(process.arch));
  await chmod(path, 0o755);
}

async function isWritten(report: string, text: string): Promise<boolean> {
  try {
    await writeFile(report, text);
    return true;
  } catch (error) {
    console.error(`the result can't be written to ${report}: ${messageOf(error)}`);
    return false;
  }
}

function exitCodeOf({ outcome }: Prepared): number {
  switch (outcome) {
    case 'Ready':
      return 0;
    case 'DiskTooFull':
      return 1;
    case 'Failed':
      return 2;
    default:
      return outcome satisfies never;
  }
}
