import { type DiskMeasure, usedShare } from '../run/disk-measure.ts';
import { hasMissedTarget } from '../run/outcome.ts';
import { lastResults } from '../run/results/last-results.ts';
import { isFinished, type Run } from '../run/run.ts';
import { cleanup } from './kind.ts';
import type { Tally } from './tally.ts';

/** The disk of a node, as the newest run of any policy has measured it. */
export interface NodeDisk extends DiskMeasure {
  readonly policy: string;
  readonly node: string;
}

/** The figures of a policy, of the newest result on each of its nodes. */
export interface LastFigures {
  /** The images that the nodes have kept, and their bytes, by reason. */
  readonly kept: ReadonlyMap<string, { readonly images: number; readonly bytes: number }>;
  /** The numbers of nodes that stayed above `lowPercent`: those on which something was freed, and the others. */
  readonly aboveTarget: { readonly freed: number; readonly notFreed: number };
}

/** The fullest nodes after their last run, at most `count`, the fullest one first. `nodes`: those that are in the cluster. */
export function fullestNodes(runs: readonly Run[], nodes: ReadonlySet<string>, count: number): readonly NodeDisk[] {
  const measured = new Map<string, NodeDisk>();
  for (const [node, { run, disk }] of resultsOf(runs, nodes))
    if (disk !== undefined) measured.set(node, { policy: run.policy, node, ...disk });
  const isFirst = (one: NodeDisk, other: NodeDisk) =>
    usedShare(other) - usedShare(one) || compare(one.node, other.node);
  return [...measured.values()].toSorted(isFirst).slice(0, count);
}

/** Adds up the newest results of the runs of one policy. */
export function lastFigures(runs: readonly Run[], nodes: ReadonlySet<string>): LastFigures {
  const kept = new Map<string, { images: number; bytes: number }>();
  const aboveTarget = { freed: 0, notFreed: 0 };
  for (const [, { isAbove, tally, disk }] of resultsOf(runs, nodes)) {
    if (isAbove) aboveTarget[tally.freedBytes > 0 ? 'freed' : 'notFreed'] += 1;
    for (const [reason, { images, bytes }] of Object.entries(disk?.kept ?? {})) {
      const sum = kept.get(reason) ?? { images: 0, bytes: 0 };
      kept.set(reason, { images: sum.images + images, bytes: sum.bytes + bytes });
    }
  }
  return { kept, aboveTarget };
}

/** The newest results of cleaners on nodes that are in the cluster. */
function resultsOf(runs: readonly Run[], nodes: ReadonlySet<string>) {
  const cleanups = runs.filter((run) => run.kind.name === cleanup.name && isFinished(run));
  return [...lastResults(cleanups)].flatMap(([node, { run, progress }]) => {
    const tally = progress.tally as Tally | undefined;
    if (tally === undefined || !nodes.has(node)) return [];
    return [[node, { run, tally, disk: progress.disk, isAbove: hasMissedTarget(progress) }]] as const;
  });
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other);
}
