import type { NodeRuntime } from './cleanup/node-runtime.ts';

/** A ConfigMap labelled as a policy, not yet parsed. */
export interface PolicyObject {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt: Date;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
  /** The known values of `nodesweep.io/run-at` that newer ones have replaced. The latest one is the last. */
  readonly replacedRequests?: readonly string[] | undefined;
}

/** A taint of a node. */
export interface Taint {
  readonly key: string;
  readonly value?: string | undefined;
  readonly effect: string;
}

/** The fields of a node on which a decision depends. */
export interface Node {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly ready: boolean;
  /** Another node of the same name has another time. */
  readonly createdAt?: Date | undefined;
  /** As in `status.nodeInfo.systemUUID`, in lower case. Another machine with the name of the node has another one. */
  readonly systemUuid?: string | undefined;
  /** The time of the last change of `ready`. */
  readonly readySince: Date;
  /** True if its kubelet reports disk pressure. */
  readonly diskPressure?: boolean;
  /** The maximum number of pods that its kubelet admits, as in `status.allocatable.pods`. */
  readonly podCapacity?: number | undefined;
  /** As in `status.nodeInfo.operatingSystem`: `linux` or `windows`. */
  readonly operatingSystem?: string | undefined;
  /** As in `status.nodeInfo.osImage`, for example `Bottlerocket OS 1.20.0 (aws-k8s-1.29)`. */
  readonly osImage?: string | undefined;
  /** As in `status.nodeInfo.containerRuntimeVersion`, for example `containerd://2.1.0`. */
  readonly containerRuntimeVersion: string;
  /** The paths of its runtime; undefined if they are not known. */
  readonly runtime: NodeRuntime | undefined;
}

/** The state of a container, as the kubelet reported it last. */
export type ContainerState =
  | { readonly type: 'Waiting'; readonly reason: string; readonly message: string }
  | { readonly type: 'Running' }
  | {
      readonly type: 'Terminated';
      readonly reason?: string | undefined;
      readonly exitCode: number;
      readonly finishedAt?: Date | undefined;
      /** The termination message. */
      readonly message?: string | undefined;
    };

/** A container of a pod. */
export interface PodContainer {
  readonly name: string;
  /** As in `containerStatuses[].imageID`, for example `docker.io/library/alpine@sha256:…`. */
  readonly imageId?: string | undefined;
  readonly state: ContainerState;
}

/** The work of a pod: a cleaner removes images, a puller makes the kubelet pull images. */
export type PodKind = 'cleaner' | 'puller';

/** A pod of a run, with the fields that show if and how it ended. */
export interface RunPod {
  readonly kind: PodKind;
  readonly name: string;
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  readonly createdAt: Date;
  /** As in its status, but a puller is running as soon as its first container has started. */
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  /** The end of its grace period. It is set when somebody deletes the pod. */
  readonly deletionTimestamp?: Date | undefined;
  /** The reason of the pod itself. The component that evicts or rejects the pod sets it (`Evicted`, `OutOfpods`). */
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /**
   * The reason why the cleaner's container waits (`ImagePullBackOff`) or ended (`Error`, `OOMKilled`), or why the first
   * waiting container of a puller waits.
   */
  readonly containerReason?: string | undefined;
  /** The message of the waiting container, or the termination message of the ended one: the cleaner's report. */
  readonly containerMessage?: string | undefined;
  /** Set after the cleaner's container has ended, also if other containers of the pod still run. */
  readonly exitCode?: number | undefined;
  /** The references of the images that the cleaner removes, if it removes these and no others. */
  readonly due?: readonly string[] | undefined;
  /** True while a container that was injected into the pod runs. */
  readonly hasOthersAtWork?: boolean | undefined;
  /** The containers of a puller, with its init containers, as far as the kubelet has reported them. */
  readonly containers?: readonly PodContainer[] | undefined;
  /**
   * For each of these containers, the seconds from the start of the container before until its own start: the kubelet starts
   * one after the other. Undefined for a container that has not started, and for the first one.
   */
  readonly startDelays?: readonly (number | undefined)[] | undefined;
}

/** A value with the version that was read. The API server refuses an update of an older version. */
export interface Versioned<T> {
  readonly value: T;
  readonly resourceVersion: string;
}
