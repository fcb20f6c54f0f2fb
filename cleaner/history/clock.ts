import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';

/** The node's clocks at one moment. */
export type Clock = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds since the node started. */
  readonly uptimeMs: number;
  /** Identifies this boot of the node; absent if the system does not show it. */
  readonly bootId?: string;
};

/** Maximum correction of a clock in normal operation. */
const toleranceMs = 60_000;

/** Reads the clocks of this node. */
export async function readClock(): Promise<Clock> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { now: Date.now(), uptimeMs: Math.round(uptime() * 1_000), ...(bootId !== '' && { bootId: bootId.trim() }) };
}

/**
 * The milliseconds by which the wall clock advanced more than the node is known to have been up: the node was off, or the
 * clock stepped ahead. Negative if the clock stepped back. The clocks may be given in either order.
 */
export function unaccountedMs(earlier: Clock, later: Clock): number {
  return later.now - earlier.now - knownUpMs(earlier, later);
}

/** Converts a moment to the wall clock of a later moment of the same boot. */
export function timeOf(moment: Clock, later: Clock): number {
  return later.now - (later.uptimeMs - moment.uptimeMs);
}

/** True if the wall clock advanced as much as the node's uptime, so that it shows how long ago something was. */
export function isSteady(earlier: Clock, later: Clock): boolean {
  return Math.abs(unaccountedMs(earlier, later)) <= toleranceMs;
}

/**
 * The known uptime between two moments. If the node restarted in between, only the time after the restart is known. If
 * the boot is unknown, the least possible time counts: a lower uptime may belong to the next boot, or to an earlier moment.
 */
function knownUpMs(earlier: Clock, later: Clock): number {
  const sameBootMs = later.uptimeMs - earlier.uptimeMs;
  if (earlier.bootId !== undefined && later.bootId !== undefined) {
    return earlier.bootId === later.bootId ? sameBootMs : later.uptimeMs;
  }
  return sameBootMs >= 0 ? sameBootMs : Math.min(later.uptimeMs, later.now - earlier.now);
}
