import * as z from 'zod';
import type { Report } from '../../contract/report.ts';
import type { NodeProgress, Settled } from './progress.ts';

/** The filesystem with the images of a node, before and after the work of a run there, and the images that stay on it. */
export interface DiskMeasure {
  readonly capacityBytes: number;
  readonly usedBeforeBytes: number;
  readonly usedAfterBytes: number;
  /** The sizes of the images that stay, by reason, if usage stayed above the target of the policy. */
  readonly keptBytes?: Report['keptBytes'];
  /** The images that the run kept, with the sum of their sizes, by reason. */
  readonly kept?: Report['keptByReason'];
}

/** The maximum number of nodes whose disks a record has. Beyond it, the fullest are kept: people look for these. */
const maxNodes = 5_000;

const count = z.int().nonnegative();
/** The kept images as their number and the sum of their sizes. */
const furtherSchema = z.object({
  keptBytes: z.record(z.string(), count).optional(),
  kept: z.record(z.string(), z.tuple([count, count])).optional(),
});
/** Capacity, used bytes before and after, and the images that stay. */
const storedSchema = z.tuple([count, count, count, furtherSchema.optional()]);

type Stored = z.input<typeof storedSchema>;
type Further = z.output<typeof furtherSchema>;

/** Encodes the disks of nodes, as short as possible. */
export function encodeDisks(nodes: ReadonlyMap<string, NodeProgress>): Record<string, Stored> {
  const measured = [...nodes].flatMap(([name, progress]) => {
    const disk = diskOf(progress);
    return disk === undefined ? [] : [[name, disk] as const];
  });
  const fullest = measured.length <= maxNodes ? measured : measured.sort(([, a], [, b]) => usedShare(b) - usedShare(a));
  return Object.fromEntries(fullest.slice(0, maxNodes).map(([name, disk]) => [name, encodeDisk(disk)]));
}

/** Decodes the disks of nodes. Entries that can't be read are left out: no decision depends on them. */
export function decodeDisks(stored: unknown): ReadonlyMap<string, DiskMeasure> {
  const entries = Object.entries(z.record(z.string(), z.unknown()).safeParse(stored).data ?? {});
  return new Map(
    entries.flatMap(([name, value]) => {
      const { data } = storedSchema.safeParse(value);
      return data === undefined ? [] : [[name, decodeDisk(data)] as const];
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

/** The used share of a disk, from 0 to 1. A filesystem without blocks is not on a disk. */
export function usedShare({ capacityBytes, usedAfterBytes }: DiskMeasure): number {
  return capacityBytes === 0 ? 0 : usedAfterBytes / capacityBytes;
}

function withDisk(progress: NodeProgress, disk: DiskMeasure | undefined): NodeProgress {
  return progress.state === 'Settled' && disk !== undefined ? ({ ...progress, disk } satisfies Settled) : progress;
}

function encodeDisk({ capacityBytes, usedBeforeBytes, usedAfterBytes, keptBytes, kept }: DiskMeasure): Stored {
  const figures = [capacityBytes, usedBeforeBytes, usedAfterBytes] as const;
  if (keptBytes === undefined && kept === undefined) return [...figures];
  return [...figures, { ...(keptBytes && { keptBytes }), ...(kept && { kept: encodeKept(kept) }) }];
}

function decodeDisk([capacityBytes, usedBeforeBytes, usedAfterBytes, further]: z.output<
  typeof storedSchema
>): DiskMeasure {
  return { capacityBytes, usedBeforeBytes, usedAfterBytes, ...decodeFurther(further ?? {}) };
}

function encodeKept(kept: NonNullable<DiskMeasure['kept']>): Further['kept'] {
  return Object.fromEntries(Object.entries(kept).map(([reason, { images, bytes }]) => [reason, [images, bytes]]));
}

function decodeFurther({ keptBytes, kept }: Further): Pick<DiskMeasure, 'keptBytes' | 'kept'> {
  const decoded = kept && Object.entries(kept).map(([reason, [images, bytes]]) => [reason, { images, bytes }] as const);
  return { ...(keptBytes && { keptBytes }), ...(decoded && { kept: Object.fromEntries(decoded) }) };
}
