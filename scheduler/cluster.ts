import type { PullVerdicts } from '../contract/pull-verdicts.ts';
import type { Node, PolicyObject, RunPod, Versioned } from './objects.ts';
import type { LedgerData } from './run/ledger.ts';
import type { ImageReports } from './run/results/losses.ts';
import type { Run } from './run/run.ts';
import type { ImageSets } from './sets/image-set.ts';
import type { Damage } from './status/damage.ts';
import type { PolicyStatus } from './status/status.ts';

/** The maximum number of concurrent calls about pods. */
export const callConcurrency = 20;

/** All facts for the decisions of the scheduler, at one instant. */
export interface ClusterState {
  readonly policies: readonly PolicyObject[];
  /** By policy. */
  readonly statuses: ReadonlyMap<string, StoredStatus>;
  readonly runs: readonly Versioned<Run>[];
  /** By policy; also those of policies that are gone. */
  readonly ledgers?: ReadonlyMap<string, StoredLedger> | undefined;
  readonly unreadable?: readonly UnreadableRecord[] | undefined;
  readonly orphans?: readonly OrphanedRun[] | undefined;
  readonly orphanedStatuses?: readonly OrphanedStatus[] | undefined;
  readonly nodes: readonly Node[];
  readonly pods: readonly RunPod[];
  /** Undefined where no sets are read: then policies that name sets have none. */
  readonly imageSets?: ImageSets | undefined;
}

/** The stored status of a policy. One without a value exists, but can't be read. */
export interface StoredStatus extends Versioned<PolicyStatus | undefined> {
  readonly damage?: Damage | undefined;
}

/** The account of what the runs of a policy have left on nodes. The policy does not own it, so it outlives the policy. */
export interface Ledger {
  readonly policy: string;
  readonly policyUid: string;
  /** The name of the kind of the policy, which can read the data. */
  readonly kind: string;
  readonly data: LedgerData;
}

/** A stored ledger, with the UID and the version of its ConfigMap. */
export interface StoredLedger extends Ledger {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly createdAt: Date;
}

/** The record of a run of a policy that can't be read at all. Only a user deletes it. */
export interface UnreadableRecord extends Damage {
  readonly policy: string;
  readonly run: string;
}

/** The record of a run whose policy is gone or has lost its label. Only the scheduler deletes it. */
export interface OrphanedRun {
  readonly policy: string;
  readonly run: string;
  /** The UID of the record. */
  readonly uid: string;
}

/** The status of a policy that is gone or has lost its label. */
export interface OrphanedStatus {
  readonly policy: string;
  /** The name, UID and version of its ConfigMap. */
  readonly configMap: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface PolicyEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** The pods that are bound to a node and have not ended: each of them may need an image at any moment. */
export interface BoundPods {
  /** All images that their specs name, without duplicates. */
  readonly references: readonly string[];
  readonly count: number;
}

/** The facts about a node that a pod there can't find out by itself: the pods and the image lists that need images. */
export interface NodeNeeds extends BoundPods {
  /** The references of all images that policies want on the node. */
  readonly prepulled: readonly string[];
  /** The references of the images that the pod takes away, for a pod that takes away these and no others. */
  readonly due?: readonly string[] | undefined;
  /** The answers of registries about images of the node; absent if they were not asked. */
  readonly pullVerdicts?: PullVerdicts | undefined;
}

/** The result of creating the record of a run. */
export type Creation =
  | { readonly outcome: 'Created'; readonly run: Versioned<Run> }
  /** This run was started before, perhaps by another replica. Undefined if {@link Cluster.state} does not show it. */
  | { readonly outcome: 'AlreadyExists'; readonly run: Versioned<Run> | undefined }
  /** This run was started before, and its record can't be read. */
  | { readonly outcome: 'Unreadable' };

/** The port to policies, nodes and pods of runs. Every call may reject with an error that names the object. */
export interface Cluster {
  /** Starts to watch, and resolves when the state is complete. Calls `onChange` after every later change. */
  start(onChange: () => void): Promise<void>;
  stop(): Promise<void>;
  state(): ClusterState;
  /** The time of the clock that sets the timestamps of the objects. All decisions use this clock. */
  readClock(): Date;
  /** Creates the record of a run, which starts it exactly once. If the policy is deleted, its ledger owns the record. */
  createRun(policy: PolicyObject, run: Run): Promise<Creation>;
  /** Returns the new version; undefined if the record has changed since it was read: then decide again on the new state. */
  updateRun(run: Versioned<Run>): Promise<string | undefined>;
  /** Deletes a record with the job and the pods that it owns. */
  deleteRun(run: string): Promise<void>;
  /** Deletes the record of a run whose policy is gone, with all objects that it owns. Keeps another record of the same name. */
  deleteOrphan(orphan: OrphanedRun): Promise<void>;
  /**
   * Deletes the status of a policy that is gone. Keeps a newer version of it, and the status of a policy that has only lost
   * its label: with it, scheduled times that had their run do not count as missed when the label is back.
   */
  deleteOrphanedStatus(orphan: OrphanedStatus): Promise<void>;
  /** Replaces the status that {@link state} shows; false if another process has changed it since. */
  writeStatus(policy: PolicyObject, status: PolicyStatus): Promise<boolean>;
  /**
   * Creates a ledger, or replaces the version `before`; false if another process has changed it since: then decide again on the
   * new state.
   */
  writeLedger(ledger: Ledger, before: StoredLedger | undefined): Promise<boolean>;
  /** Deletes this version of a ledger, with the records of the runs that it owns. */
  deleteLedger(ledger: StoredLedger): Promise<void>;
  /** True if the ConfigMap of a policy exists, from a new read: it may have lost only its label. */
  hasPolicy(name: string): Promise<boolean>;
  /** True if the job of a run exists. */
  hasJob(run: Run): Promise<boolean>;
  /** Creates the job of a run. Does not change an existing one. The job is deleted with the record. */
  createJob(run: Run, job: object): Promise<void>;
  /**
   * Creates the pod of a run on a node, and returns the time in the pod. Does not change an existing one: then it returns undefined,
   * because another process may have created it. Rejects while the pod of the attempt before exists and has not ended: it only
   * seemed to be gone, because the state was late. Also rejects if the references don't fit, because the cleaner needs all of them.
   */
  createPod(run: Run, node: Node, attempt: number, needs: NodeNeeds): Promise<Date | undefined>;
  deletePod(pod: string): Promise<void>;
  /** Deletes all pods of a run but those with the names in `kept`, in one call if there are few of these. */
  deletePods(run: string, kept?: readonly string[]): Promise<void>;
  recordEvent(policy: PolicyObject, event: PolicyEvent): Promise<void>;
  /**
   * The reason why a pod does not start: the message of the newest warning about it; undefined if there is none.
   */
  readPodWarning(pod: string): Promise<string | undefined>;
  /**
   * The reports of the kubelet about the images of a pod, as far as its Events have them. There is none about a container whose
   * image the kubelet always pulls, or never.
   */
  readImageReports(pod: string): Promise<ImageReports>;
  /** True if this process may remove the startup taint from nodes. The answer may be some seconds old. */
  mayRemoveStartupTaint(): Promise<boolean>;
  /**
   * Removes the startup taint, and no other taint, from a node. Succeeds if the taint or the node is gone, and changes no other
   * node of the same name.
   */
  removeStartupTaint(node: Node): Promise<void>;
  /** The pods bound to each of the nodes now, from a new read. */
  readBoundPods(nodes: readonly string[]): Promise<ReadonlyMap<string, BoundPods>>;
  /** The references that any workload template in the cluster names. */
  listWorkloadReferences(): Promise<string[]>;
}
