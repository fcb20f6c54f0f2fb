import type { CleanupPolicy } from '../../cleanup/policy.ts';
import { type DiskMeasure, diskOf } from '../../run/disk-measure.ts';
import type { Run } from '../../run/run.ts';
import { onceFor } from './once-for.ts';

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
  /** True if usage stayed above the target of the policy. */
  readonly isAboveTarget: boolean;
  /** The sizes of the images that stay, by reason. */
  readonly keptBytes: Readonly<Record<string, number>>;
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
  const measures = Map.groupBy(ordered.flatMap(measuresOf), ({ node }) => node);
  return [...measures].flatMap(([node, found]) => nodeDisk(node, found)).sort(byUsage);
}

/** The sums of the images that stay on nodes, by reason, the largest first. */
export function keptByReason(
  disks: readonly NodeDisk[],
): readonly { readonly reason: string; readonly bytes: number; readonly nodes: number }[] {
  const sums = new Map<string, { bytes: number; nodes: number }>();
  for (const { newest } of disks)
    for (const [reason, bytes] of Object.entries(newest.keptBytes)) {
      const sum = sums.get(reason) ?? { bytes: 0, nodes: 0 };
      sums.set(reason, { bytes: sum.bytes + bytes, nodes: sum.nodes + 1 });
    }
  return [...sums].map(([reason, sum]) => ({ reason, ...sum })).sort((one, other) => other.bytes - one.bytes);
}

function nodeDisk(node: string, found: readonly { readonly measure: Measure }[]): NodeDisk[] {
  const measures = found.map(({ measure }) => measure);
  const newest = measures.at(-1);
  return newest === undefined ? [] : [{ node, measures, newest }];
}

function byUsage(one: NodeDisk, other: NodeDisk): number {
  const difference = other.newest.afterPercent - one.newest.afterPercent;
  return difference || (one.node < other.node ? -1 : 1);
}

const measuresOf = onceFor((run: Run): readonly { readonly node: string; readonly measure: Measure }[] => {
  const thresholds = thresholdsOf(run);
  return [...run.nodes].flatMap(([node, progress]) => {
    const disk = diskOf(progress);
    return disk === undefined ? [] : [{ node, measure: measureOf(run, disk, thresholds) }];
  });
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
    isAboveTarget: disk.keptBytes !== undefined,
    keptBytes: disk.keptBytes ?? bytesOf(disk.kept ?? {}),
  };
}

function bytesOf(kept: NonNullable<DiskMeasure['kept']>): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(kept).map(([reason, { bytes }]) => [reason, bytes]));
}

/** Only the kind of a run that measures disks has thresholds. */
function thresholdsOf({ spec }: Run): Thresholds | undefined {
  return 'disk' in spec && 'images' in spec ? (spec as CleanupPolicy).disk : undefined;
}
