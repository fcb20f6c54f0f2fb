import { bytesAbove, type DiskUsage } from '../plan/disk-usage.ts';
import { decidingPatience, type SettlePorts, settle } from './settle.ts';
import type { Space } from './space.ts';

/** The sizes of what was removed say that usage should be low enough, and it is not. */
export class SpaceNotFreedError extends Error {
  override readonly name = 'SpaceNotFreedError';
}

/**
 * Measures how many bytes more have to go until usage is at `untilPercent`, less what is on its way; not positive where it
 * is there. What is on its way and would do is waited for. Throws a {@link SpaceNotFreedError} where it does not come.
 */
export async function measureNeed(
  untilPercent: number,
  space: Space,
  ports: SettlePorts,
  signal: AbortSignal,
): Promise<number> {
  const excess = (usage: DiskUsage) => bytesAbove(untilPercent, usage);
  const usage = await ports.measureDisk();
  const needBytes = excess(usage) - space.comingBytes(usage);
  if (excess(usage) <= 0 || needBytes > 0) return Math.min(excess(usage), needBytes);
  const comingBytes = Math.round(space.comingBytes(usage));
  const settled = await settle(space, decidingPatience, ports, signal, (now) => excess(now) <= 0);
  signal.throwIfAborted();
  if (settled.kind === 'Missing') {
    throw new SpaceNotFreedError(
      `${comingBytes} bytes of what was removed have not come back to the disk: look at its filesystem and at the runtime's log; a later run measures again`,
    );
  }
  space.writeOff(settled.usage);
  return excess(settled.usage);
}
