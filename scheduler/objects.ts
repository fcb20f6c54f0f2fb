import type { NodeRuntime } from './cleanup/node-runtime.ts';

/** A ConfigMap labelled as a policy, not yet parsed. */
export interface PolicyObject {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt: Date;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  /** Values of `nodesweep.io/run-at` that newer ones have replaced, as far as that was seen; the latest last. */
  readonly replacedRequests?: readonly string[] | undefined;
}

export interface Taint {
  readonly key: string;
  readonly value?: string | undefined;
  readonly effect: string;
}

/** A node, as far as a decision depends on it. */
export interface Node {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly ready: boolean;
  /** Since when `ready` has been so. */
  readonly readySince: Date;
  /** True where its kubelet reports disk pressure. */
  readonly diskPressure?: boolean;
  /** The number of pods that its kubelet takes, as in `status.allocatable.pods`. */
  readonly podCapacity?: number | undefined;
  /** As in `status.nodeInfo.operatingSystem`: `linux` or `windows`. */
  readonly operatingSystem?: string | undefined;
  /** As in `status.nodeInfo.osImage`, for example `Bottlerocket OS 1.20.0 (aws-k8s-1.29)`. */
  readonly osImage?: string | undefined;
  /** As in `status.nodeInfo.containerRuntimeVersion`, for example `containerd://2.1.0`. */
  readonly containerRuntimeVersion: string;
  /** The paths of its runtime; undefined where they are not known. */
  readonly runtime: NodeRuntime | undefined;
}

/** A pod of a run, with the fields that show if and how it ended. */
export interface RunPod {
  readonly name: string;
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  readonly createdAt: Date;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  /** The end of its grace period. It is set when somebody deletes the pod. */
  readonly deletionTimestamp?: Date | undefined;
  /** The reason of the pod itself. The component that evicts or rejects the pod sets it (`Evicted`, `OutOfpods`). */
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** The reason why the cleaner's container waits (`ImagePullBackOff`) or ended (`Error`, `OOMKilled`). */
  readonly containerReason?: string | undefined;
  /** For a container that ended this is its termination message: the cleaner's report. */
  readonly containerMessage?: string | undefined;
  /** Set once the cleaner's container has ended, whatever else runs in the pod. */
  readonly exitCode?: number | undefined;
  /** True while a container that was injected into the pod runs. */
  readonly hasOthersAtWork?: boolean | undefined;
}

/** A value with the version that was read. The API server refuses an update of an older version. */
export interface Versioned<T> {
  readonly value: T;
  readonly resourceVersion: string;
}
