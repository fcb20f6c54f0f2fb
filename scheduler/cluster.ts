import type { Node, PolicyObject, RunPod, Versioned } from './objects.ts';
import type { Run } from './run/run.ts';
import type { PolicyStatus } from './status/status.ts';

/** Calls about several pods go out side by side, so many at once. */
export const callConcurrency = 20;

/** Everything the scheduler decides on, at one instant. */
export interface ClusterState {
  readonly policies: readonly PolicyObject[];
  /** By policy. One without a value is there, but can't be read. */
  readonly statuses: ReadonlyMap<string, Versioned<PolicyStatus | undefined>>;
  readonly runs: readonly Versioned<Run>[];
  readonly orphans?: readonly OrphanedRun[] | undefined;
  readonly nodes: readonly Node[];
  readonly pods: readonly RunPod[];
}

/** The record of a run whose policy is gone, or is none any more: nobody else deletes it. */
export interface OrphanedRun {
  readonly policy: string;
  readonly run: string;
  /** The uid of the record. */
  readonly uid: string;
}

export interface PolicyEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** The pods that are bound to a node and have not ended: each of them may need an image at any moment. */
export interface BoundPods {
  /** Every image that their specs name, once. */
  readonly references: readonly string[];
  readonly count: number;
}

/** The result of creating the record of a run. */
export type Creation =
  | { readonly outcome: 'Created'; readonly run: Versioned<Run> }
  /** This run was started before, perhaps by another replica. Undefined where {@link Cluster.state} does not show it. */
  | { readonly outcome: 'AlreadyExists'; readonly run: Versioned<Run> | undefined };

/** The port to policies, nodes and cleaner pods. Every call may reject with an error that names the object; none retries. */
export interface Cluster {
  /** Begins to watch and resolves once the state is complete; `onChange` is called after every later change of it. */
  start(onChange: () => void): Promise<void>;
  stop(): Promise<void>;
  state(): ClusterState;
  /** The time by the clock of whoever stamps the objects: all that is decided is decided by this one. */
  readClock(): Date;
  /** Creates the record of a run, which starts it exactly once. */
  createRun(policy: PolicyObject, run: Run): Promise<Creation>;
  /** Returns the new version; undefined where the record has changed since it was read: decide anew on the new state. */
  updateRun(run: Versioned<Run>): Promise<string | undefined>;
  /** Deletes a record, and with it the job and the pods it owns. */
  deleteRun(run: string): Promise<void>;
  /** Deletes the record of a run whose policy is gone, with all it owns; another record of that name stays. */
  deleteOrphan(orphan: OrphanedRun): Promise<void>;
  /** Writes over the status that {@link state} shows; false where somebody else has changed it since. */
  writeStatus(policy: PolicyObject, status: PolicyStatus): Promise<boolean>;
  /** Creates what the cleaners of a run are told; one that exists is left as it is. It goes with the record. */
  createJob(run: Run, job: object): Promise<void>;
  /**
   * Creates the cleaner pod of a run on a node; one that exists is left as it is. Rejects while the pod of the attempt before
   * is there and has not ended: it only seemed to be gone, because the state was late. And rejects where the references of
   * the pods bound to the node don't fit: none of them may be left out.
   */
  createPod(run: Run, node: Node, attempt: number, bound: BoundPods): Promise<void>;
  deletePod(pod: string): Promise<void>;
  /** Deletes all cleaner pods of a run in one call. */
  deletePods(run: string): Promise<void>;
  recordEvent(policy: PolicyObject, event: PolicyEvent): Promise<void>;
  /**
   * The obstacle that keeps a pod from starting, in the words of the newest warning about it; undefined where nothing
   * was said.
   */
  readPodWarning(pod: string): Promise<string | undefined>;
  /** The pods bound to each of the nodes, as they are now: what is known from earlier does not count. */
  readBoundPods(nodes: readonly string[]): Promise<ReadonlyMap<string, BoundPods>>;
  /** The references that any workload template in the cluster names. */
  listWorkloadReferences(): Promise<string[]>;
}
