import type { RunPod } from '../objects.ts';
import { hasEnded } from '../pods/state.ts';
import { parseAddress } from './address.ts';

/** The log of a cleaner that has ended. */
export interface CleanerLog {
  readonly pod: string;
  readonly run: string;
  /** Undefined if it can't be read. */
  readonly text: string | undefined;
  /** The cause, if it can't be read. */
  readonly problem?: string;
}

/** The pod whose log a page shows; undefined for a page without a log, and for a node without a cleaner that has ended. */
export function podWithLog(target: string, pods: readonly RunPod[]): RunPod | undefined {
  const { parts: [first, name, ...more] = [] } = parseAddress(target) ?? {};
  if (first !== 'nodes' || !name || more.length > 0) return undefined;
  return pods
    .filter((pod) => pod.kind === 'cleaner' && pod.node === name && hasEnded(pod))
    .toSorted((one, other) => other.createdAt.getTime() - one.createdAt.getTime())[0];
}
