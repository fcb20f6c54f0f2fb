import type { Node } from '../objects.ts';

/** The taints of nodes that the Cluster Autoscaler and Karpenter are about to delete. */
const leavingTaints: ReadonlySet<string> = new Set([
  'ToBeDeletedByClusterAutoscaler',
  'DeletionCandidateOfClusterAutoscaler',
  'karpenter.sh/disrupted',
  'karpenter.sh/disruption',
]);

/**
 * True if a node has been the same and ready since a time, and nobody is about to take it away, so that it keeps its images. Under
 * disk pressure, its kubelet removes unused images.
 */
export function isLasting(
  { ready, readySince, createdAt, unschedulable, diskPressure, taints }: Node,
  since: Date,
): boolean {
  const hasBeenReady = ready && readySince <= since && (createdAt === undefined || createdAt <= since);
  return hasBeenReady && !unschedulable && diskPressure !== true && !taints.some(({ key }) => leavingTaints.has(key));
}
