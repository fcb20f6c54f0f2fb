import { setTimeout as sleep } from 'node:timers/promises';
import { type DemoNode, deployRelease, pullBuild } from './nodes.ts';

const buildsPerRound = 4;

/** The disks fill up again: builds arrive on every node for so many seconds, and in round 2 a deployment. */
export async function fillDisks(
  nodes: readonly DemoNode[],
  round: number,
  seconds: number,
  signal: AbortSignal,
): Promise<void> {
  if (round === 2) for (const node of nodes) deployRelease(node);
  for (let index = 0; index < buildsPerRound; index++) {
    for (const node of nodes) pullBuild(node, 100 * round + index + 1);
    await sleep((seconds * 1000) / buildsPerRound, undefined, { signal });
  }
}

/** All that {@link fillDisks} does, in words. */
export function describeFilling(round: number): string {
  const builds = `${buildsPerRound} CI builds of 3 GB arrive on every node`;
  return round === 2 ? `${builds}, and shop:2.5 replaces shop:2.4` : builds;
}
