import type { RunPod } from '../objects.ts';

/**
 * True if the cleaner has ended, even if other containers of its pod still run. A terminating pod is active until its
 * cleaner has ended.
 */
export function hasEnded(pod: RunPod): boolean {
  return hasStopped(pod) || pod.exitCode !== undefined;
}

/**
 * True if a container of the pod has run. A pod stays Pending as long as one of its containers waits for its image, so a
 * puller is Pending while it works.
 */
export function hasStarted({ phase, containers = [] }: Pick<RunPod, 'phase' | 'containers'>): boolean {
  return phase !== 'Pending' || containers.some(({ state }) => state.type !== 'Waiting');
}

/** True if all containers of the pod have ended. */
export function hasStopped({ phase }: RunPod): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/**
 * True if a container of the pod may still run. The kubelet reports the end of a container before the end of the pod.
 * So a pod whose only container has ended is not at work, and stays with its log until its TTL is over.
 */
export function isAtWork(pod: RunPod): boolean {
  return !hasStopped(pod) && (pod.exitCode === undefined || pod.hasOthersAtWork === true);
}

/**
 * True if the kubelet had no room for the pod: too little of a resource (`OutOfpods`, `OutOfcpu`; see its package
 * lifecycle), or a condition of the node under which it admits no further pods. An eviction has the same
 * reason as the latter, but another message.
 */
export function lacksRoom({ phase, reason = '', message = '', exitCode }: RunPod): boolean {
  if (phase !== 'Failed' || exitCode !== undefined) return false;
  if (/^OutOf(?!Memory$)/.test(reason)) return true;
  if (reason === 'Evicted') return message.includes('The node had condition');
  return reason === 'UnexpectedAdmissionError' && message.includes('no set of running pods found to reclaim resources');
}
