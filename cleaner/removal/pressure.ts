/**
 * The time for which tasks of a node have been waiting for one of its resources, ours included.
 * @see https://docs.kernel.org/accounting/psi.html
 */
export type Stall = {
  /** Share of about the last 10 s in which some task waited. */
  readonly recentPercent: number;
  /** For how long some task waited, since the node started, in microseconds. */
  readonly totalUs: number;
};

export type Resource = 'io' | 'memory';

/** Without the resources whose pressure the kernel doesn't tell. */
export type Pressure = Readonly<Partial<Record<Resource, Stall>>>;

/**
 * From this share of the time on, tasks wait a lot. Waiting for the disk is usual where much is read or written; waiting
 * for memory is not.
 */
const highPercent: Readonly<Record<Resource, number>> = { io: 40, memory: 10 };
const resources: readonly Resource[] = ['io', 'memory'];

/** Reads one of the kernel's files in /proc/pressure; undefined where this is none. */
export function parseStall(text: string): Stall | undefined {
  const [, recent, total] = /^some avg10=([\d.]+) .*\btotal=(\d+)$/m.exec(text) ?? [];
  return recent === undefined ? undefined : { recentPercent: Number(recent), totalUs: Number(total) };
}

/** The resources that tasks have been waiting for a lot of late. */
export function findPressed(pressure: Pressure): readonly Resource[] {
  return resources.filter((resource) => (pressure[resource]?.recentPercent ?? 0) >= highPercent[resource]);
}

/** The resources that tasks waited for a lot between two looks that are so many milliseconds apart. */
export function findPressedBetween(before: Pressure, after: Pressure, elapsedMs: number): readonly Resource[] {
  return resources.filter((resource) => {
    const [from, to] = [before[resource], after[resource]];
    if (from === undefined || to === undefined) return false;
    const stalledMs = (to.totalUs - from.totalUs) / 1_000;
    return stalledMs >= (highPercent[resource] / 100) * elapsedMs;
  });
}
