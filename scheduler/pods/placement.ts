import type { PodTemplate } from './pod-template.ts';
import { withStartupToleration } from './startup-taint.ts';
import type { Toleration } from './tolerations.ts';

/** The settings of a pod that decide its place and its end. */
export interface Placement {
  /** The name of the node. */
  readonly node: string;
  /** An empty text is the cluster's default. */
  readonly priorityClassName: string;
  readonly activeDeadlineSeconds: number;
  readonly terminationGracePeriodSeconds: number;
  readonly tolerations: readonly Toleration[];
  /** Names of Secrets in the namespace, in addition to those of the settings. */
  readonly imagePullSecrets?: readonly string[];
}

/** The fields that place a pod on its node, and that give it no access to the cluster. */
export function placePod(placement: Placement, template: PodTemplate) {
  const { priorityClassName } = placement;
  const secrets = new Set([...(template.imagePullSecrets ?? []), ...(placement.imagePullSecrets ?? [])]);
  return {
    // Binds the pod directly, because kube-scheduler would not place a pod on a full node.
    nodeName: placement.node,
    restartPolicy: 'Never',
    activeDeadlineSeconds: placement.activeDeadlineSeconds,
    terminationGracePeriodSeconds: placement.terminationGracePeriodSeconds,
    ...(priorityClassName === '' ? {} : { priorityClassName }),
    ...(secrets.size === 0 ? {} : { imagePullSecrets: [...secrets].map((name) => ({ name })) }),
    tolerations: withStartupToleration([...placement.tolerations, ...(template.tolerations ?? [])]),
    serviceAccountName: template.serviceAccountName,
    automountServiceAccountToken: false,
    enableServiceLinks: false,
  };
}

/**
 * The requests of a container. A full node takes a pod without requests. They are explicit zeros, because the API server sets
 * a missing request to the limit, or to the default of a LimitRange.
 */
export const noRequests = { cpu: '0', memory: '0' } as const;

/** The rights that no container needs. */
export const noPrivileges = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ['ALL'] },
} as const;
