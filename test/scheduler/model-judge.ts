import type { CleanupDocument } from '../../scheduler/cleanup/policy.ts';
import type { Node, RunPod } from '../../scheduler/objects.ts';

/** True if a cleaner may be at work in the pod. */
export function isLive({ phase }: RunPod): boolean {
  return phase === 'Pending' || phase === 'Running';
}

/** True if a policy of the model means the node, and it can be cleaned now (C16). */
export function isMeant(node: Node, document: unknown): boolean {
  // All policies of the model clean nodes.
  const { nodes = {} } = document as CleanupDocument;
  const isSelected = Object.entries(nodes.matchLabels ?? {}).every(([key, value]) => node.labels[key] === value);
  const isOpen = nodes.includeUnschedulable !== false || !node.unschedulable;
  return node.ready && isSelected && isOpen && (nodes.tolerations === undefined || node.taints.length === 0);
}
