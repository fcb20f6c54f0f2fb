import * as z from 'zod';
import type { NodeProgress, Settled } from './progress.ts';

/** The filesystem with the images of a node, before and after the work of a run there. */
export interface DiskMeasure {
  readonly capacityBytes: number;
  readonly usedBeforeBytes: number;
  readonly usedAfterBytes: number;
  /** The sizes of the images that stay, by reason, if usage stayed above the target of the policy. */
  readonly keptBytes?: Readonly<Record<string, number>> | undefined;
}

/** The maximum number of nodes whose disks a record has. Beyond it, the fullest are kept: people look for these. */
const maxNodes = 5_000;

const count = z.int().nonnegative();
const storedSchema = z.tuple([count, count, count], z.record(z.string(), count));

/** Encodes the disks of nodes, as short as possible. */
export function encodeDisks(nodes: ReadonlyMap<string, NodeProgress>): Record<string, unknown> {
  const measured = [...nodes].flatMap(([name, progress]) => {
    const disk = diskOf(progress);
    return disk === undefined ? [] : [[name, disk] as const];
  });
  const kept = measured.length <= maxNodes ? measured : measured.sort(([, a], [, b]) => usage(b) - usage(a));
  return Object.fromEntries(kept.slice(0, maxNodes).map(([name, disk]) => [name, encodeDisk(disk)]));
}

/** Decodes the disks of nodes. What can't be read is left out: no decision depends on it. */
export function decodeDisks(stored: unknown): ReadonlyMap<string, DiskMeasure> {
  const entries = Object.entries(z.record(z.string(), z.unknown()).safeParse(stored).data ?? {});
  return new Map(
    entries.flatMap(([name, value]) => {
      const [capacityBytes, usedBeforeBytes, usedAfterBytes, keptBytes] = storedSchema.safeParse(value).data ?? [];
      if (capacityBytes === undefined || usedBeforeBytes === undefined || usedAfterBytes === undefined) return [];
      return [[name, { capacityBytes, usedBeforeBytes, usedAfterBytes, ...(keptBytes && { keptBytes }) }] as const];
    }),
  );
}

/** The nodes of a run with their disks. */
export function withDisks(
  nodes: ReadonlyMap<string, NodeProgress>,
  disks: ReadonlyMap<string, DiskMeasure>,
): ReadonlyMap<string, NodeProgress> {
  if (disks.size === 0) return nodes;
  return new Map([...nodes].map(([name, progress]) => [name, withDisk(progress, disks.get(name))]));
}

/** The disk of a node as the run has left it; undefined if no pod has measured it. */
export function diskOf(progress: NodeProgress): DiskMeasure | undefined {
  return progress.state === 'Settled' ? progress.disk : undefined;
}

function withDisk(progress: NodeProgress, disk: DiskMeasure | undefined): NodeProgress {
  return progress.state === 'Settled' && disk !== undefined ? ({ ...progress, disk } satisfies Settled) : progress;
}

function encodeDisk({ capacityBytes, usedBeforeBytes, usedAfterBytes, keptBytes }: DiskMeasure): unknown[] {
  return [capacityBytes, usedBeforeBytes, usedAfterBytes, ...(keptBytes === undefined ? [] : [keptBytes])];
}

/** A filesystem without blocks is not on a disk. */
function usage({ capacityBytes, usedAfterBytes }: DiskMeasure): number {
  return capacityBytes === 0 ? 0 : usedAfterBytes / capacityBytes;
}
