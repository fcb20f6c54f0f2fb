import type { JobDocument } from '../../../contract/job.ts';
import type { NodeRuntime } from '../../../scheduler/cleanup/node-runtime.ts';
import type { BoundPods, ClusterState, NodeNeeds } from '../../../scheduler/cluster.ts';
import type { Node, PolicyObject, RunPod } from '../../../scheduler/objects.ts';

export type PlanNode = Node & { readonly runtime: NodeRuntime };

/** The pod for a plan. */
export interface PlanOrder {
  /** The name of the pod, and of the ConfigMap with its job. */
  readonly name: string;
  readonly policy: PolicyObject;
  readonly node: PlanNode;
  readonly job: JobDocument;
  readonly needs: NodeNeeds;
  /** The names of the image sets of the policy. */
  readonly sets: readonly string[];
  readonly timeoutSeconds: number;
}

/** The calls to a cluster that a plan needs. Every call may reject with an error that names the object. */
export interface PlanPort {
  listPolicies(): Promise<readonly PolicyObject[]>;
  /** The statuses by policy. A status without a value can't be read. */
  listStatuses(): Promise<ClusterState['statuses']>;
  /** The accounts by policy of what image lists have put on nodes. */
  listLedgers(): Promise<ClusterState['ledgers']>;
  /** The times of the last updates of image sets, by name, as a job has them. */
  readSetTimes(names: readonly string[]): Promise<Readonly<Record<string, string>>>;
  readNode(name: string): Promise<Node | undefined>;
  /** The pods bound to a node now. */
  readBoundPods(node: string): Promise<BoundPods>;
  listWorkloadReferences(): Promise<string[]>;
  /** Creates a pod that makes a plan, and its job. */
  createPlan(order: PlanOrder): Promise<void>;
  readPod(name: string): Promise<RunPod | undefined>;
  readLog(pod: string): Promise<string>;
  /** The last warning about a pod that does not start; undefined if there is none. */
  readPodWarning(pod: string): Promise<string | undefined>;
  /** Deletes the objects of {@link createPlan} that exist. */
  deletePlan(name: string): Promise<void>;
  /** The names of finished plans that were created at least `minAgeMs` milliseconds ago, by the clock of the cluster. */
  listLeftovers(minAgeMs: number): Promise<string[]>;
}

/** There is no plan. The message says why, and what to do. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
}
