import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { buildImage, buildSimulatedNode, readNode, type SimulatedNode } from '../fixtures/simulated/node.ts';
import { type Bench, type CleanRun, createBench } from './clean.ts';

export const web = buildImage('docker.io/library/web:1');
export const old = buildImage('docker.io/library/old:1');
/** Images for more than one batch. */
export const junk = Array.from({ length: 80 }, (_, index) => buildImage(`docker.io/library/junk:${index}`));

/** Creates a bench for one test, which is removed after it. */
export async function prepare(node: Partial<SimulatedNode>, job: object = {}): Promise<Bench> {
  const bench = await createBench(buildSimulatedNode(node), job);
  onTestFinished(() => bench.remove());
  return bench;
}

/** The decision, the reason and the outcome for each image, by its name. */
export function decisions({ images }: Pick<CleanRun, 'images'>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    images.map(({ id, names, decision, reason, outcome }) => [
      names[0] ?? id,
      [decision, reason, outcome].filter(Boolean).join(' '),
    ]),
  );
}

/** Waits until so many images are left: the runtime of these tests answers only some time after. */
export async function waitForImages({ nodeFile }: Bench, count: number): Promise<void> {
  while (readNode(nodeFile).images.length > count) await sleep(20);
}
