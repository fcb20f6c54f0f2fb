import { getPriority, setPriority } from 'node:os';

/** Enough to come second where the CPU is scarce, and not so much that a disk fills up meanwhile. */
const niceness = 5;

/**
 * Lets others go first where they want the CPU too, and the disk: priority there follows from this one. Calls of crictl
 * inherit it. The runtime, which does the removing, does not: that is what rests between batches are for.
 */
export function giveWay(): void {
  try {
    if (getPriority() < niceness) setPriority(niceness);
  } catch {
    // Not every system allows it.
  }
}
