import type { Node } from '../../objects.ts';
import type { PlacedNode } from '../../pods/pod-template.ts';
import { type AdmittedPod, isCritical, mayPreempt } from '../../pods/priority.ts';
import type { KubernetesApi } from '../api/api.ts';
import { ClusterError } from '../api/error.ts';

/** The API and namespace to create pods. */
export interface PodPlace {
  readonly api: KubernetesApi;
  readonly namespace: string;
}

/** A node with the number of pods that are bound to it and have not ended, as its kubelet counts them. */
export interface CountedNode<N extends Node = Node> {
  readonly node: N;
  readonly boundPods: number;
}

/**
 * Builds a pod for a node so that the kubelet ends no other pod to admit it. A critical pod is first created in a dry run of
 * the API server, because a webhook may add requests to it. If one does, the pod is not critical.
 */
export async function buildHarmless<N extends Node, Body extends AdmittedPod>(
  { api, namespace }: PodPlace,
  { node, boundPods }: CountedNode<N>,
  build: (node: N & PlacedNode) => Body,
): Promise<Body> {
  if (node.diskPressure !== true) return build(node);
  const freePods = node.podCapacity === undefined ? undefined : node.podCapacity - boundPods;
  const placed = { ...node, freePods };
  const body = build(placed);
  if (!isCritical(body)) return body;
  const what = `try a critical pod for node ${node.name}`;
  const call = { resource: 'pods', namespace, verb: 'create', query: { dryRun: 'All' }, body } as const;
  const admitted = await api.call<AdmittedPod>(what, ['AlreadyExists'], call);
  return admitted !== undefined && mayPreempt(admitted) ? build({ ...placed, freePods: 0 }) : body;
}

/** Adds the next step to the error of an unknown priority class. Other errors don't change. */
export function explainRefusal(error: unknown): unknown {
  if (!(error instanceof ClusterError) || !error.message.includes('no PriorityClass with name')) return error;
  const advice =
    'apply the PriorityClass in manifests/base/priority.yaml, or set NODESWEEP_PRIORITY_CLASS to another one';
  return new ClusterError(`${error.message}: ${advice}`, { cause: error });
}
