import type { JobDocument } from '../../contract/job.ts';
import type { NodeRuntime } from '../../scheduler/cleanup/node-runtime.ts';
import type { CleanerPod, Node, PolicyObject } from '../../scheduler/objects.ts';
import type { CleanerLog } from './plan-report.ts';

export type PlanNode = Node & { readonly runtime: NodeRuntime };

/** A pod to make a plan. */
export interface PlanOrder {
  /** Of the pod, and of the ConfigMap with its job. */
  readonly name: string;
  readonly policy: PolicyObject;
  readonly node: PlanNode;
  readonly job: JobDocument;
  /** The images that the pods bound to the node name. */
  readonly references: readonly string[];
  readonly timeoutSeconds: number;
}

/** The calls to a cluster that a plan needs. Every call may reject with an error that names the object. */
export interface PlanPort {
  listPolicies(): Promise<PolicyObject[]>;
  readNode(name: string): Promise<Node | undefined>;
  /** The log of the last cleaner pod of a policy that ended on a node; undefined where there is none any more. */
  readLastLog(policy: string, node: string): Promise<CleanerLog | undefined>;
  /** The images that the pods bound to a node name, as they are now. */
  listBoundReferences(node: string): Promise<readonly string[]>;
  listWorkloadReferences(): Promise<string[]>;
  /** Creates a pod that makes a plan, and what it is told. */
  createPlan(order: PlanOrder): Promise<void>;
  readPod(name: string): Promise<CleanerPod | undefined>;
  readLog(pod: string): Promise<string>;
  /** The obstacle that keeps a pod from starting; undefined where nothing was said. */
  readPodWarning(pod: string): Promise<string | undefined>;
  /** Deletes what {@link createPlan} made, as far as it is there. */
  deletePlan(name: string): Promise<void>;
  /** The names of plans that have ended and were created before an instant: nobody waits for them any more. */
  listLeftovers(createdBefore: Date): Promise<string[]>;
}

/** There is no plan; the message says why, and what to do. */
export class PlanError extends Error {
  override readonly name = 'PlanError';
}
