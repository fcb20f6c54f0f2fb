import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';

/** What the node's clocks say: a clock that jumped shows in the difference between its two. */
export type Clock = {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Milliseconds since the node started. */
  readonly uptimeMs: number;
  /** Which start of the node that is; absent where the system doesn't tell. */
  readonly bootId?: string;
};

/** Reads the clocks of this node. */
export async function readClock(): Promise<Clock> {
  const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { now: Date.now(), uptimeMs: uptime() * 1_000, ...(bootId !== '' && { bootId: bootId.trim() }) };
}
