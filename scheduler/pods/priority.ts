import type { PlacedNode } from './pod-template.ts';

/** The class in `manifests/base/priority.yaml`. It preempts no pod, and is not critical for the kubelet. */
export const ownPriorityClass = 'nodesweep-cleaner';
const criticalPriorityClass = 'system-node-critical';

/** A node, as far as the priority of a pod on it depends on it. */
type PriorityNode = Pick<PlacedNode, 'diskPressure' | 'freePods'>;

/**
 * While a node is under disk pressure, when cleaners are needed most, its kubelet admits only critical pods. But the kubelet
 * ends other pods for a critical pod, whatever the preemption policy of its class: if requests are used up (this pod has
 * none), and if the node has its maximum number of pods (see pkg/kubelet/preemption).
 */
export function priorityClassOf({ diskPressure, freePods = 0 }: PriorityNode, usual = ownPriorityClass): string {
  if (diskPressure === true && freePods > 0) return criticalPriorityClass;
  return usual;
}

/** True for a pod for which the kubelet may end others. */
export function isCritical({ spec }: AdmittedPod): boolean {
  return spec?.priorityClassName === criticalPriorityClass;
}

/** True for a critical pod that requests resources: the kubelet may end others to admit it. */
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
