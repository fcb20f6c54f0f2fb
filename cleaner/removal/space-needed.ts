import type { DiskUsage } from '../../contract/disk-usage.ts';
import { bytesAbove } from '../plan/bytes-above.ts';
import type { Space } from './space-freed.ts';
import { decidingPatience, type SettlePorts, settle } from './wait-for-space.ts';

/** The removed images should have freed enough space, but the usage is still too high. */
export class SpaceNotFreedError extends Error {
  override readonly name = 'SpaceNotFreedError';
}

/**
 * Measures the bytes to free until usage is at `untilPercent`, without space that is freed late; zero or negative if usage
 * is low enough. Waits for late space if it would be enough. Throws a {@link SpaceNotFreedError} if it does not become free.
 */
export async function measureNeed(
  untilPercent: number,
  space: Space,
  ports: SettlePorts,
  signal: AbortSignal,
): Promise<number> {
  const excess = (usage: DiskUsage) => bytesAbove(untilPercent, usage);
  const usage = await ports.measureDisk();
  // Less than a byte is a rounding error of the expected bytes, and must not cost an image.
  const needBytes = Math.floor(excess(usage) - space.comingBytes(usage));
  if (excess(usage) <= 0 || needBytes > 0) return Math.min(excess(usage), needBytes);
  const comingBytes = Math.round(space.comingBytes(usage));
  const isEnough = (now: DiskUsage) => excess(now) <= 0;
  const settled = await settle({ space, patience: decidingPatience, isEnough }, ports, signal);
  signal.throwIfAborted();
  if (settled.kind === 'Missing') {
    throw new SpaceNotFreedError(
      `${comingBytes} bytes of removed images have not become free: check the filesystem and the log of the runtime; a later run measures again`,
    );
  }
  space.writeOff(settled.usage);
  return excess(settled.usage);
}
