import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';

/** The node's clocks at one moment. */
export type Clock = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds since the node started. */
  readonly uptimeMs: number;
  /** Identifies this start of the node; absent where the system doesn't tell. */
  readonly bootId?: string;
};

/** Clocks are set right by less than this in normal operation. */
const toleranceMs = 60_000;

/** Reads the clocks of this node. */
export async function readClock(): Promise<Clock> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { now: Date.now(), uptimeMs: Math.round(uptime() * 1_000), ...(bootId !== '' && { bootId: bootId.trim() }) };
}

/**
 * Tells by how much the wall clock went on further than the node is known to have been up, in milliseconds: so long it was
 * off, or the clock stepped ahead; negative where it stepped back. The clocks may be given in either order.
 */
export function unaccountedMs(earlier: Clock, later: Clock): number {
  return later.now - earlier.now - knownUpMs(earlier, later);
}

/** Tells when a moment was, in the terms of the wall clock of a later moment of the same boot. */
export function timeOf(moment: Clock, later: Clock): number {
  return later.now - (later.uptimeMs - moment.uptimeMs);
}

/** Tells that the wall clock kept pace with the node's uptime in between: then it tells how long ago something was. */
export function isSteady(earlier: Clock, later: Clock): boolean {
  return Math.abs(unaccountedMs(earlier, later)) <= toleranceMs;
}

/**
 * Of a time with a restart in it, nothing before the restart is known. Where the system tells no boot, the least that can
 * have passed counts: a lower uptime may be of the next boot, or of a moment before.
 */
function knownUpMs(earlier: Clock, later: Clock): number {
  const sameBootMs = later.uptimeMs - earlier.uptimeMs;
  if (earlier.bootId !== undefined && later.bootId !== undefined) {
    return earlier.bootId === later.bootId ? sameBootMs : later.uptimeMs;
  }
  return sameBootMs >= 0 ? sameBootMs : Math.min(later.uptimeMs, later.now - earlier.now);
}
