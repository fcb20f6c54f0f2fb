import type { PlacedNode } from './pod-template.ts';

/** The class in `manifests/base/priority.yaml`. It preempts no pod, and is not critical for the kubelet. */
export const ownPriorityClass = 'nodesweep-cleaner';
const criticalPriorityClass = 'system-node-critical';

/** The fields of a node that decide the priority of a pod on it. */
type PriorityNode = Pick<PlacedNode, 'diskPressure' | 'freePods'>;

/**
 * The priority class of a pod on a node. The kubelet of a node under disk pressure admits only critical pods. But it
 * ends other pods to admit a critical one, for every preemption policy: if too few resources are unrequested (this pod
 * requests none), or if the node has its maximum number of pods (see pkg/kubelet/preemption).
 */
export function priorityClassOf({ diskPressure, freePods = 0 }: PriorityNode, usual = ownPriorityClass): string {
  if (diskPressure === true && freePods > 0) return criticalPriorityClass;
  return usual;
}

/** True if the pod is critical. The kubelet may end other pods to admit such a pod. */
export function isCritical({ spec }: AdmittedPod): boolean {
  return spec?.priorityClassName === criticalPriorityClass;
}

/** True if the pod is critical and requests resources: the kubelet may end others to admit it. */
export function mayPreempt(pod: AdmittedPod): boolean {
  const { containers = [], initContainers = [], resources, overhead } = pod.spec ?? {};
  const requests = [...containers, ...initContainers, { resources }].map((part) => part.resources?.requests);
  return isCritical(pod) && [...requests, overhead].some(asksForAny);
}

function asksForAny(quantities: Quantities = {}): boolean {
  return Object.values(quantities).some((quantity) => !/^0+[a-zA-Z]*$/.test(quantity));
}

/** The fields of a pod, as the API server would store it, that request resources. */
export interface AdmittedPod {
  readonly spec?: PodResources & {
    readonly priorityClassName?: string;
    readonly containers?: readonly PodResources[];
    readonly initContainers?: readonly PodResources[];
    readonly overhead?: Quantities;
  };
}

type Quantities = Readonly<Record<string, string>>;

interface PodResources {
  readonly resources?: { readonly requests?: Quantities } | undefined;
}
