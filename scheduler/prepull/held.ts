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
  return hold && hasStopped(pod) && pod.reason === undefined && hasImages(pod);
}

const knownPods = new WeakMap<RunPod, boolean>();

/** True if an image of the pod is present. The many pods that are held are read once, not at each pass. */
function hasImages(pod: RunPod): boolean {
  const known = knownPods.get(pod) ?? [...readImages(pod).values()].some(({ state }) => state === 'Present');
  knownPods.set(pod, known);
  return known;
}
