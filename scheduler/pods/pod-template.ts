import type { Node } from '../objects.ts';
import type { Run } from '../run/run.ts';
import type { AdmittedPod } from './priority.ts';
import type { Toleration } from './tolerations.ts';

/** A node that a pod is built for. */
export interface PlacedNode extends Node {
  /** The number of further pods that the node takes; undefined where that is not known. */
  readonly freePods?: number | undefined;
}

/** The parts of a pod that are decided when it is created. */
export interface PodOrder {
  readonly run: Run;
  /** The UID of the run's record, which owns the pod. */
  readonly runUid: string;
  /** Counted from 0. */
  readonly attempt: number;
  /** The images that the pods bound to its node name. */
  readonly references: readonly string[];
  /** The names of the ConfigMaps with the job. */
  readonly jobMaps: readonly string[];
}

/** Settings that the pods of one scheduler have in common. */
export interface PodTemplate {
  readonly namespace: string;
  readonly image: string;
  readonly serviceAccountName: string;
  readonly logLevel: string;
  /** The most time that the runtime gets for a list; 120 s. */
  readonly runtimeTimeoutSeconds?: number | undefined;
  /** Class of the pods while their node is not under disk pressure; empty: the cluster's default. `nodesweep-cleaner`. */
  readonly priorityClassName?: string | undefined;
  /** Further labels and annotations; they replace none of ours. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** Names of Secrets in the namespace. */
  readonly imagePullSecrets?: readonly string[] | undefined;
  /** Taints that the pods tolerate beside those that their policy tolerates. */
  readonly tolerations?: readonly Toleration[] | undefined;
  /** SELinux type of the pods; empty: the runtime's default. */
  readonly seLinuxType?: string | undefined;
  /** Resource requests. Zero CPU and memory, so that a node whose requests are used up takes the pod. */
  readonly requests?: Readonly<Record<string, string>> | undefined;
  /** Resource limits. 256Mi of memory. */
  readonly limits?: Readonly<Record<string, string>> | undefined;
}

/** A pod for the API server, as far as every kind of run has it. */
export interface PodBody extends AdmittedPod {
  readonly metadata: { readonly name: string };
}

/** One of the ConfigMaps in which a job is stored; `binaryData` is base64, as the API takes it. */
export interface JobMap {
  readonly name: string;
  readonly data?: Record<string, string>;
  readonly binaryData?: Record<string, string>;
}
