import { getPriority, setPriority } from 'node:os';

/** Low enough for other processes to go first if the CPU is scarce, and high enough to free a disk in time. */
const niceness = 5;

/**
 * Lowers the priority of this process for the CPU, and with it for the disk. Calls of crictl inherit it. The runtime, which
 * removes the images, does not; the rests between batches limit its load.
 */
export function giveWay(): void {
  try {
    if (getPriority() < niceness) setPriority(niceness);
  } catch {
    // Some systems do not allow it.
  }
}
