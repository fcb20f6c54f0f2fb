import type { DiskUsage } from '../plan/disk-usage.ts';
import type { Plan } from '../plan/plan.ts';
import { mayBeGone, type SweepResult } from './outcome.ts';
import { openSpace, type Space } from './space.ts';

export type SettlePorts = {
  readonly measureDisk: () => Promise<DiskUsage>;
  /** Ends early, and without an error, where the signal asks for it. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of a clock that never steps. */
  readonly monotonicMs: () => number;
};

/** The time for which usage has to stay where it is before nothing more is waited for, in milliseconds. */
export type Patience = {
  /** Used if next to nothing has come yet. */
  readonly noneMs: number;
  /** Used if a part has come. */
  readonly someMs: number;
  /** Used if nearly all has come. */
  readonly mostMs: number;
};

/** While it decides about further images. btrfs frees what was deleted every 30 s, as it commits, and zfs every 5 s. */
export const decidingPatience: Patience = { noneMs: 35_000, someMs: 10_000, mostMs: 10_000 };
/** While it only tells how much was freed, by sizes that know which layers images share. */
export const reportingPatience: Patience = { noneMs: 15_000, someMs: 2_000, mostMs: 0 };
/** The same by nominal sizes, of which images that share their layers free but a part. */
export const nominalPatience: Patience = { noneMs: 5_000, someMs: 1_000, mostMs: 0 };

const nearlyAllShare = 0.8;
const hardlyAnyShare = 0.1;
/** However slowly it trickles in, nobody waits for longer. */
const maxSettleMs = 120_000;
const minPollMs = 100;
const maxPollMs = 1_000;

export type Settled = { readonly usage: DiskUsage; readonly kind: 'Arrived' | 'Steady' | 'Missing' };

/**
 * Measures until what is on its way has come (or `isEnough` says that it will do), or usage has been steady for a while.
 * `Steady` is usage of which a good part has come, so that the rest was never there; `Missing` is anything less.
 */
export async function settle(
  space: Space,
  patience: Patience,
  ports: SettlePorts,
  signal: AbortSignal,
  isEnough: (usage: DiskUsage) => boolean = () => false,
): Promise<Settled> {
  const startedAt = ports.monotonicMs();
  let lowestBytes = Number.POSITIVE_INFINITY;
  let fellAt = startedAt;
  for (let pollMs = minPollMs; ; pollMs = Math.min(pollMs * 1.5, maxPollMs)) {
    const usage = await ports.measureDisk();
    if (isEnough(usage) || space.comingBytes(usage) === 0) return { usage, kind: 'Arrived' };
    const nowMs = ports.monotonicMs();
    if (usage.usedBytes < lowestBytes) {
      lowestBytes = usage.usedBytes;
      fellAt = nowMs;
    }
    const share = space.arrivedShare(usage);
    if (nowMs - startedAt >= maxSettleMs) return { usage, kind: 'Missing' };
    if (nowMs - fellAt >= quietMs(share, patience) || signal.aborted) {
      return { usage, kind: share < hardlyAnyShare ? 'Missing' : 'Steady' };
    }
    await ports.sleep(pollMs, signal);
  }
}

/** Less than this share of the disk is lost in what others write meanwhile. */
const noticeableShare = 0.005;

/** Measures the disk after a run, when what was removed has come back, as far as it is worth waiting for. */
export async function measureSettled(
  { results, stopped }: SweepResult,
  { untilPercent }: Plan,
  before: DiskUsage,
  ports: SettlePorts,
  signal: AbortSignal,
): Promise<DiskUsage> {
  const gone = results.filter(({ outcome }) => mayBeGone(outcome));
  const hopedBytes = gone.reduce((sum, { removal }) => sum + removal.freesBytes, 0);
  const isNoticeable = hopedBytes >= before.capacityBytes * noticeableShare;
  if (!isNoticeable || stopped !== undefined || signal.aborted) return ports.measureDisk();
  const space = openSpace(before);
  space.expect(hopedBytes);
  const patience = untilPercent === undefined ? nominalPatience : reportingPatience;
  const { usage } = await settle(space, patience, ports, signal);
  return usage;
}

function quietMs(share: number, { noneMs, someMs, mostMs }: Patience): number {
  if (share < hardlyAnyShare) return noneMs;
  return share < nearlyAllShare ? someMs : mostMs;
}
