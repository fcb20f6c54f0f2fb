import type { DiskUsage } from '../../contract/disk-usage.ts';
import type { Plan } from '../plan/plan.ts';
import { openSpace, type Space } from './space-freed.ts';
import { mayBeGone, type SweepResult } from './verify.ts';

export type SettlePorts = {
  readonly measureDisk: () => Promise<DiskUsage>;
  /** Ends early and without an error when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of a monotonic clock. */
  readonly monotonicMs: () => number;
};

/** The time of steady usage after which the wait ends, in milliseconds. */
export type Patience = {
  /** Used if hardly any space has become free. */
  readonly noneMs: number;
  /** Used if a part of the space has become free. */
  readonly someMs: number;
  /** Used if nearly all space has become free. */
  readonly mostMs: number;
};

/** Patience before a decision about further images. btrfs frees deleted space with each commit, every 30 s; zfs every 5 s. */
export const decidingPatience: Patience = { noneMs: 35_000, someMs: 10_000, mostMs: 10_000 };
/** Patience after the last removal with estimated sizes that consider shared layers. */
export const reportingPatience: Patience = { noneMs: 15_000, someMs: 2_000, mostMs: 0 };
/** Patience after the last removal with nominal sizes, of which only a part may become free. */
export const nominalPatience: Patience = { noneMs: 5_000, someMs: 1_000, mostMs: 0 };

const nearlyAllShare = 0.8;
const hardlyAnyShare = 0.1;
/** Maximum time to wait. */
const maxSettleMs = 120_000;
const minPollMs = 100;
const maxPollMs = 1_000;

/** The space that is waited for, and for how long. */
export type ExpectedSpace = {
  readonly space: Space;
  readonly patience: Patience;
  /** True for usage at which nothing more is waited for. */
  readonly isEnough?: (usage: DiskUsage) => boolean;
};

export type Settled = { readonly usage: DiskUsage; readonly kind: 'Arrived' | 'Steady' | 'Missing' };

/**
 * Measures until all removed bytes are free (or `isEnough` returns true), or usage is steady for a while. `Steady` means that
 * a large part became free, so that the rest was an overestimate; `Missing` means that less became free.
 */
export async function settle(
  { space, patience, isEnough = () => false }: ExpectedSpace,
  ports: SettlePorts,
  signal: AbortSignal,
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

/** A smaller share of the disk can't be distinguished from the writes of other processes. */
const noticeableShare = 0.005;

/** The removals of a run, and the disk before them. */
export type Removed = {
  readonly result: SweepResult;
  readonly plan: Plan;
  readonly before: DiskUsage;
};

/** Measures the disk after a run, and waits a limited time until the removed bytes are free. */
export async function measureSettled(
  { result: { results, stopped }, plan: { untilPercent }, before }: Removed,
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
  const { usage } = await settle({ space, patience }, ports, signal);
  return usage;
}

function quietMs(share: number, { noneMs, someMs, mostMs }: Patience): number {
  if (share < hardlyAnyShare) return noneMs;
  return share < nearlyAllShare ? someMs : mostMs;
}
