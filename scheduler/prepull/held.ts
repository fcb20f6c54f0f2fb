import type { RunPod } from '../objects.ts';
import { hasStopped } from '../pods/state.ts';
import type { Run } from '../run/run.ts';
import type { PrepullPolicy } from './policy.ts';
import { readImages } from './states/images-of-pod.ts';

/**
 * True if a puller stays after its run. The kubelet keeps the ended containers of a pod as long as the pod exists, so their
 * images count as used. An eviction has removed them.
 */
export function isHeld(pod: RunPod, { spec }: Run): boolean {
  const { hold } = spec as PrepullPolicy;
  if (!hold || !hasStopped(pod) || pod.reason !== undefined) return false;
  return [...readImages(pod).values()].some(({ state }) => state === 'Present');
}
