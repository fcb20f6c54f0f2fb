import type { PlacedNode } from './order.ts';

/** Our own class in `manifests/base/priority.yaml`: it preempts no pod, and the kubelet does not count it as critical. */
export const ownPriorityClass = 'nodesweep-cleaner';
const criticalPriorityClass = 'system-node-critical';

/** A node, as far as the priority of a pod on it depends on it. */
type PriorityNode = Pick<PlacedNode, 'diskPressure' | 'freePods'>;

/**
 * The kubelet admits only critical pods while its node is under disk pressure, when cleaners are needed most. But for a
 * critical pod it ends others, whatever the class says about preemption: where requests are used up (the pod has none),
 * and where the node has its maximum number of pods (see pkg/kubelet/preemption).
 */
export function priorityClassOf({ diskPressure, freePods = 0 }: PriorityNode, usual = ownPriorityClass): string {
  if (diskPressure === true && freePods > 0) return criticalPriorityClass;
  return usual;
}

/** True for a pod that the kubelet admits at the cost of others. */
export function isCritical({ spec }: AdmittedPod): boolean {
  return spec?.priorityClassName === criticalPriorityClass;
}

/** True for a pod that is critical and asks for resources: the kubelet may end others to admit it. */
export function mayPreempt(pod: AdmittedPod): boolean {
  const { containers = [], initContainers = [], resources, overhead } = pod.spec ?? {};
  const requests = [...containers, ...initContainers, { resources }].map((part) => part.resources?.requests);
  return isCritical(pod) && [...requests, overhead].some(asksForAny);
}

function asksForAny(quantities: Quantities = {}): boolean {
  return Object.values(quantities).some((quantity) => !/^0+[a-zA-Z]*$/.test(quantity));
}

/** A pod as the API server would store it, as far as it asks for resources. */
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
