/**
 * The time for which tasks of a node have waited for a resource, including our own tasks.
 * @see https://docs.kernel.org/accounting/psi.html
 */
export type Stall = {
  /** Share of the last 10 s in which a task waited. */
  readonly recentPercent: number;
  /** Total time since the start of the node in which a task waited, in microseconds. */
  readonly totalUs: number;
};

export type Resource = 'io' | 'memory';

/** Pressure by resource, without those that the kernel does not report. */
export type Pressure = Readonly<Partial<Record<Resource, Stall>>>;

/**
 * Share of the time from which tasks wait a lot. Waiting for the disk is normal under load; waiting for memory is not.
 */
const highPercent: Readonly<Record<Resource, number>> = { io: 40, memory: 10 };
const resources: readonly Resource[] = ['io', 'memory'];

/** Parses a file of /proc/pressure; undefined if the text is not one. */
export function parseStall(text: string): Stall | undefined {
  const [, recent, total] = /^some avg10=([\d.]+) .*\btotal=(\d+)$/m.exec(text) ?? [];
  return recent === undefined ? undefined : { recentPercent: Number(recent), totalUs: Number(total) };
}

/** The resources for which tasks recently waited a lot. */
export function findPressed(pressure: Pressure): readonly Resource[] {
  return resources.filter((resource) => (pressure[resource]?.recentPercent ?? 0) >= highPercent[resource]);
}

/** The resources for which tasks waited a lot between two looks, with the milliseconds between them. */
export function findPressedBetween(before: Pressure, after: Pressure, elapsedMs: number): readonly Resource[] {
  return resources.filter((resource) => {
    const [from, to] = [before[resource], after[resource]];
    if (from === undefined || to === undefined) return false;
    const stalledMs = (to.totalUs - from.totalUs) / 1_000;
    return stalledMs >= (highPercent[resource] / 100) * elapsedMs;
  });
}
