import type { CleanupPolicy } from '../../cleanup/policy.ts';
import { type DiskMeasure, diskOf } from '../../run/disk-measure.ts';
import { onceForRuns } from '../../run/once-for-runs.ts';
import type { NodeProgress } from '../../run/progress.ts';
import type { Run } from '../../run/run.ts';

/** The disk of a node, as one run has left it. */
export interface Measure {
  readonly run: string;
  readonly at: Date;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  /** In percent of the capacity, before and after the work of the run. */
  readonly beforePercent: number;
  readonly afterPercent: number;
  /** The thresholds of the policy of the run, if it has any. */
  readonly thresholds: Thresholds | undefined;
  readonly disk: DiskMeasure;
}

/** The disk usage in percent at which a policy begins to remove images, and at which it stops. */
export interface Thresholds {
  readonly highPercent: number;
  readonly lowPercent: number;
}

/** A node with the newest measure of its disk. */
export interface NodeDisk {
  readonly node: string;
  readonly newest: Measure;
}

/** The disks of all nodes that a run has measured, the fullest first. */
export const nodeDisks = onceForRuns((runs): readonly NodeDisk[] => {
  const disks = new Map<string, NodeDisk>();
  for (const run of oldestFirst(runs).toReversed())
    for (const [node, progress] of run.nodes) {
      const newest = disks.has(node) ? undefined : measureIn(run, progress);
      if (newest !== undefined) disks.set(node, { node, newest });
    }
  return [...disks.values()].sort(byUsage);
});

/** The measures of the disk of a node, the oldest first. */
export function measuresOn(node: string, runs: readonly Run[]): readonly Measure[] {
  return oldestFirst(runs).flatMap((run) => measureIn(run, run.nodes.get(node)) ?? []);
}

/** The sums of the images that stay on nodes, by reason, the largest first. */
export function keptByReason(
  disks: readonly NodeDisk[],
): readonly { readonly reason: string; readonly bytes: number; readonly nodes: number }[] {
  const sums = new Map<string, { bytes: number; nodes: number }>();
  for (const { newest } of disks)
    for (const [reason, bytes] of keptBytesOf(newest.disk)) {
      const sum = sums.get(reason) ?? { bytes: 0, nodes: 0 };
      sums.set(reason, { bytes: sum.bytes + bytes, nodes: sum.nodes + 1 });
    }
  return [...sums].map(([reason, sum]) => ({ reason, ...sum })).sort((one, other) => other.bytes - one.bytes);
}

/** The sizes of the images that stay, by reason. */
export function keptBytesOf({
  keptBytes,
  kept = {},
}: DiskMeasure): readonly (readonly [reason: string, bytes: number])[] {
  if (keptBytes !== undefined) return Object.entries(keptBytes);
  return Object.entries(kept).map(([reason, { bytes }]) => [reason, bytes]);
}

const oldestFirst = onceForRuns((runs) =>
  runs.toSorted((one, other) => one.startedAt.getTime() - other.startedAt.getTime()),
);

function byUsage(one: NodeDisk, other: NodeDisk): number {
  const difference = other.newest.afterPercent - one.newest.afterPercent;
  return difference || (one.node < other.node ? -1 : 1);
}

function measureIn(run: Run, progress: NodeProgress | undefined): Measure | undefined {
  const disk = progress && diskOf(progress);
  if (disk === undefined) return undefined;
  const percent = (bytes: number) => (bytes * 100) / disk.capacityBytes;
  return {
    run: run.name,
    at: run.finishedAt ?? run.startedAt,
    capacityBytes: disk.capacityBytes,
    usedBytes: disk.usedAfterBytes,
    beforePercent: percent(disk.usedBeforeBytes),
    afterPercent: percent(disk.usedAfterBytes),
    thresholds: thresholdsOf(run),
    disk,
  };
}

/** Only the kind of a run that measures disks has thresholds. */
function thresholdsOf({ spec }: Run): Thresholds | undefined {
  return 'disk' in spec && 'images' in spec ? (spec as CleanupPolicy).disk : undefined;
}
