import type { PullVerdicts } from '../../contract/pull-verdicts.ts';
import type { Node } from '../objects.ts';
import type { Run } from '../run/run.ts';
import type { AdmittedPod } from './priority.ts';
import type { Toleration } from './tolerations.ts';

/** A node for which a pod is built. */
export interface PlacedNode extends Node {
  /** The number of further pods that the node accepts; undefined if it is not known. */
  readonly freePods?: number | undefined;
}

/** The references of images that a cleaner must keep on one node, and that it can't find out by itself. */
export interface NodeReferences {
  /** The images that the pods bound to the node name. */
  readonly bound: readonly string[];
  /** The images that image lists want on the node. */
  readonly prepulled: readonly string[];
  /** The images that the pod removes, for a pod that removes these and no others. */
  readonly due?: readonly string[] | undefined;
  /** The answers of registries about images of the node; absent if they were not asked. */
  readonly pullVerdicts?: PullVerdicts | undefined;
}

/** The parts of a pod that are decided when it is created. */
export interface PodOrder {
  readonly run: Run;
  /** The UID of the run's record, which owns the pod. */
  readonly runUid: string;
  /** The number of the try on the node, counted from 0. */
  readonly attempt: number;
  readonly references: NodeReferences;
  /** The names of the ConfigMaps with the job. */
  readonly jobMaps: readonly string[];
  /** The memory of the kind about the node: the `memory` of the result of the pod before. */
  readonly memory?: unknown;
}

/** Settings that the pods of one scheduler have in common. */
export interface PodTemplate {
  readonly namespace: string;
  readonly image: string;
  readonly serviceAccountName: string;
  readonly logLevel: string;
  /** The maximum time for a list of the runtime, in seconds. Default: 120. */
  readonly runtimeTimeoutSeconds?: number | undefined;
  /**
   * Priority class of the pods if their node is not under disk pressure. An empty text is the cluster's default.
   * Default: `nodesweep-cleaner`.
   */
  readonly priorityClassName?: string | undefined;
  /** Further labels and annotations. They do not replace those of nodesweep. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Names of Secrets in the namespace. */
  readonly imagePullSecrets?: readonly string[] | undefined;
  /** Further tolerations, in addition to those of the policy. */
  readonly tolerations?: readonly Toleration[] | undefined;
  /** SELinux type of the pods. An empty text is the runtime's default. */
  readonly seLinuxType?: string | undefined;
  /** Resource requests. Default: zero CPU and memory, so that a node without unrequested resources admits the pod. */
  readonly requests?: Readonly<Record<string, string>> | undefined;
  /** Resource limits. Default: 256Mi of memory. */
  readonly limits?: Readonly<Record<string, string>> | undefined;
}

/** The fields of a pod for the API server that every kind of run sets. */
export interface PodBody extends AdmittedPod {
  readonly metadata: { readonly name: string };
}

/** One of the ConfigMaps in which a job is stored; `binaryData` is base64, as in the API. */
export interface JobMap {
  readonly name: string;
  readonly data?: Record<string, string>;
  readonly binaryData?: Record<string, string>;
}
