import type { CleanupPolicy } from '../../cleanup/policy.ts';
import { type DiskMeasure, diskOf } from '../../run/disk-measure.ts';
import { onceFor } from '../../run/once-for.ts';
import type { Run } from '../../run/run.ts';

/** The disk of a node, as one run has left it. */
export interface Measure {
  readonly run: string;
  readonly policy: string;
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

/** A node with the measures of its disk, the oldest first. There is at least one. */
export interface NodeDisk {
  readonly node: string;
  readonly measures: readonly Measure[];
  readonly newest: Measure;
}

/** The disks of all nodes that a run has measured, the fullest first. */
export function nodeDisks(runs: readonly Run[]): readonly NodeDisk[] {
  const ordered = runs.toSorted((one, other) => one.startedAt.getTime() - other.startedAt.getTime());
  const found = new Map<string, Measure[]>();
  for (const run of ordered)
    for (const [node, measure] of measuresOf(run)) {
      const measures = found.get(node);
      if (measures === undefined) found.set(node, [measure]);
      else measures.push(measure);
    }
  return [...found].flatMap(([node, measures]) => nodeDisk(node, measures)).sort(byUsage);
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

function nodeDisk(node: string, measures: readonly Measure[]): NodeDisk[] {
  const newest = measures.at(-1);
  return newest === undefined ? [] : [{ node, measures, newest }];
}

function byUsage(one: NodeDisk, other: NodeDisk): number {
  const difference = other.newest.afterPercent - one.newest.afterPercent;
  return difference || (one.node < other.node ? -1 : 1);
}

const measuresOf = onceFor((run: Run): ReadonlyMap<string, Measure> => {
  const thresholds = thresholdsOf(run);
  const measures = new Map<string, Measure>();
  for (const [node, progress] of run.nodes) {
    const disk = diskOf(progress);
    if (disk !== undefined) measures.set(node, measureOf(run, disk, thresholds));
  }
  return measures;
});

function measureOf(run: Run, disk: DiskMeasure, thresholds: Thresholds | undefined): Measure {
  const percent = (bytes: number) => (bytes * 100) / disk.capacityBytes;
  return {
    run: run.name,
    policy: run.policy,
    at: run.finishedAt ?? run.startedAt,
    capacityBytes: disk.capacityBytes,
    usedBytes: disk.usedAfterBytes,
    beforePercent: percent(disk.usedBeforeBytes),
    afterPercent: percent(disk.usedAfterBytes),
    thresholds,
    disk,
  };
}

/** Only the kind of a run that measures disks has thresholds. */
function thresholdsOf({ spec }: Run): Thresholds | undefined {
  return 'disk' in spec && 'images' in spec ? (spec as CleanupPolicy).disk : undefined;
}
