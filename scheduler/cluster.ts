import type { JobDocument } from '../cleaner/job.ts';
import type { Run } from './run.ts';
import type { NodeRuntime } from './sockets.ts';
import type { PolicyStatus } from './status.ts';

/** A ConfigMap labelled as a policy, not yet parsed. */
export interface PolicyObject {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt: Date;
  readonly annotations: Readonly<Record<string, string>>;
  readonly data: Readonly<Record<string, string>>;
}

export interface Taint {
  readonly key: string;
  readonly value?: string | undefined;
  readonly effect: string;
}

/** A node, as far as it matters whether and how it is cleaned. */
export interface Node {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  readonly unschedulable: boolean;
  readonly ready: boolean;
  /** Since when `ready` has been so. */
  readonly readySince: Date;
  /** As in `status.nodeInfo.containerRuntimeVersion`, for example `containerd://2.1.0`. */
  readonly containerRuntimeVersion: string;
  /** Where its runtime is reached; undefined where that isn't known. */
  readonly runtime: NodeRuntime | undefined;
}

/** A cleaner pod, as far as its fate can be told from it. */
export interface CleanerPod {
  readonly name: string;
  readonly run: string;
  readonly node: string;
  readonly attempt: number;
  readonly createdAt: Date;
  readonly phase: 'Pending' | 'Running' | 'Succeeded' | 'Failed';
  /** Somebody has asked for its deletion. */
  readonly terminating: boolean;
  /** The pod's own reason and message: set by whoever evicted or rejected it (`Evicted`, `OutOfpods`). */
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  /** Why the container waits (`ImagePullBackOff`), or how it ended (`Error`, `OOMKilled`). */
  readonly containerReason?: string | undefined;
  /** For a container that ended this is its termination message: the cleaner's report. */
  readonly containerMessage?: string | undefined;
  readonly exitCode?: number | undefined;
}

/** Something with the version under which it was read: an update of an older version is refused. */
export interface Stored<T> {
  readonly value: T;
  readonly resourceVersion: string;
}

/** Everything the scheduler decides on, at one instant. */
export interface ClusterState {
  readonly policies: readonly PolicyObject[];
  readonly statuses: ReadonlyMap<string, Stored<PolicyStatus>>;
  readonly runs: readonly Stored<Run>[];
  readonly nodes: readonly Node[];
  readonly pods: readonly CleanerPod[];
}

export interface PolicyEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** Where policies, nodes and cleaner pods live. Every call may reject with an error that names the object; none retries. */
export interface Cluster {
  /** Begins to watch and resolves once the state is complete; `onChange` is called after every later change of it. */
  start(onChange: () => void): Promise<void>;
  stop(): Promise<void>;
  state(): ClusterState;
  /** `AlreadyExists` means that this run was started before, perhaps by another replica. */
  createRun(policy: PolicyObject, run: Run): Promise<'Created' | 'AlreadyExists'>;
  /** Returns the new version; undefined where the record has changed since it was read: decide anew on the new state. */
  updateRun(run: Stored<Run>): Promise<string | undefined>;
  /** Deletes a record, and with it the job and the pods it owns. */
  deleteRun(run: string): Promise<void>;
  /** Writes over the status that {@link state} shows; `Conflict` where somebody else has changed it since. */
  writeStatus(policy: PolicyObject, status: PolicyStatus): Promise<'Updated' | 'Conflict'>;
  /** Creates what the cleaners of a run are told; one that exists is left as it is. */
  createJob(run: Run, job: JobDocument): Promise<void>;
  deleteJob(run: string): Promise<void>;
  /** Creates the cleaner pod of a run on a node; one that exists is left as it is. */
  createPod(run: Run, node: Node, attempt: number): Promise<void>;
  deletePod(pod: string): Promise<void>;
  /** Deletes all cleaner pods of a run in one call. */
  deletePods(run: string): Promise<void>;
  recordEvent(policy: PolicyObject, event: PolicyEvent): Promise<void>;
  /** What keeps a pod from starting, in the words of the newest warning about it; undefined where nothing was said. */
  readTrouble(pod: string): Promise<string | undefined>;
  /** The references of all pods that are bound to a node but don't run yet. */
  listStartingReferences(): Promise<string[]>;
  /** The references that any workload template in the cluster names. */
  listWorkloadReferences(): Promise<string[]>;
}
