import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';

/** What the node's clocks say at one moment. */
export type Clock = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds since the node started. */
  readonly uptimeMs: number;
  /** Which start of the node that is; absent where the system doesn't tell. */
  readonly bootId?: string;
};

/** More than clocks are set right by in normal operation. */
const toleranceMs = 60_000;

/** Reads the clocks of this node. */
export async function readClock(): Promise<Clock> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { now: Date.now(), uptimeMs: Math.round(uptime() * 1_000), ...(bootId !== '' && { bootId: bootId.trim() }) };
}

/**
 * By how much the wall clock went on further than the node is known to have been up, in milliseconds: so long it was off,
 * or the clock stepped ahead; negative where it stepped back. Of a time with a restart in it, nothing before the restart
 * is known.
 */
export function unaccountedMs(earlier: Clock, later: Clock): number {
  const upMs = isSameBoot(earlier, later) ? later.uptimeMs - earlier.uptimeMs : later.uptimeMs;
  return later.now - earlier.now - upMs;
}

/** Whether the wall clock kept pace with the node's uptime in between: then it tells how long ago something was. */
export function isSteady(earlier: Clock, later: Clock): boolean {
  return Math.abs(unaccountedMs(earlier, later)) <= toleranceMs;
}

/** Where the system tells no boot, a restart shows in the uptime; the other clock may be read a moment later than ours. */
function isSameBoot(earlier: Clock, later: Clock): boolean {
  return earlier.bootId === later.bootId && later.uptimeMs >= earlier.uptimeMs - toleranceMs;
}
