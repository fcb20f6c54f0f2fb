import type { RunPod } from '../objects.ts';

/**
 * True where the cleaner is not at work any more, even if other containers of its pod run on. A terminating pod is active
 * until its cleaner has really ended.
 */
export function hasEnded(pod: RunPod): boolean {
  return hasStopped(pod) || pod.exitCode !== undefined;
}

/** True where no container of the pod runs any more. */
export function hasStopped({ phase }: RunPod): boolean {
  return phase === 'Succeeded' || phase === 'Failed';
}

/**
 * True where a container of the pod may still run. The kubelet tells the end of a container before it tells that of the pod:
 * a pod whose only container has ended stays, with its log, until its TTL is over.
 */
export function isAtWork(pod: RunPod): boolean {
  return !hasStopped(pod) && (pod.exitCode === undefined || pod.hasOthersAtWork === true);
}

/**
 * True where the kubelet had no room for the pod: too little of a resource (`OutOfpods`, `OutOfcpu`; see its package
 * lifecycle), or a condition of the node under which it admits no further pods. An eviction has the same reason as the
 * latter, but not the words.
 */
export function lacksRoom({ phase, reason = '', message = '', exitCode }: RunPod): boolean {
  if (phase !== 'Failed' || exitCode !== undefined) return false;
  if (/^OutOf(?!Memory$)/.test(reason)) return true;
  if (reason === 'Evicted') return message.includes('The node had condition');
  return reason === 'UnexpectedAdmissionError' && message.includes('no set of running pods found to reclaim resources');
}
