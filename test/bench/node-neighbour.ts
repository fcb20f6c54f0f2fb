import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { percentile } from './figures.ts';

/** The delay with which the neighbour woke up, and how long its writes took, in ms. */
export interface Latencies {
  readonly wakeUp: readonly number[];
  readonly write: readonly number[];
}

const neighbour = fileURLToPath(new URL('./neighbour.mjs', import.meta.url));

/** All that a neighbour on the same filesystem meets while something is done. */
export async function measureNeighbour(filesystem: string, work: () => Promise<unknown>): Promise<Latencies> {
  const directory = await mkdtemp(join(filesystem, 'neighbour-'));
  const stop = join(directory, 'stop');
  try {
    const running = execa(process.execPath, [neighbour, directory, stop]);
    await new Promise((resolve) => running.stderr.once('data', resolve));
    await work();
    await writeFile(stop, '');
    return JSON.parse((await running).stdout);
  } finally {
    await rm(directory, { recursive: true });
  }
}

export function joinLatencies(all: readonly Latencies[]): Latencies {
  return { wakeUp: all.flatMap(({ wakeUp }) => wakeUp), write: all.flatMap(({ write }) => write) };
}

export function describeLatencies({ wakeUp, write }: Latencies) {
  const ms = (values: readonly number[], share: number) => Number(percentile(values, share).toFixed(2));
  return {
    samples: write.length,
    'write p50': ms(write, 0.5),
    'write p99': ms(write, 0.99),
    'wake-up p50': ms(wakeUp, 0.5),
    'wake-up p99': ms(wakeUp, 0.99),
  };
}
