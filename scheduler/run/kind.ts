import type * as z from 'zod';
import type { Node, RunPod } from '../objects.ts';
import type { JobMap, PlacedNode, PodBody, PodOrder, PodTemplate } from '../pods/order.ts';
import type { Policy } from '../policy/policy.ts';
import type { Eligibility } from './eligibility.ts';
import type { JobTooLargeError } from './job-too-large.ts';
import type { Ending } from './progress.ts';
import type { Run } from './run.ts';

/** The state of a pod as a run goes by it. */
export type PodResult =
  /** Its work goes on. */
  | { readonly kind: 'Active' }
  /** Its work is done, or has failed in a way that a further pod does not change. */
  | ({ readonly kind: 'Done'; readonly result: 'Succeeded' | 'Failed' } & Ending)
  /** It ended before it could do its work: another one is tried as long as `restartLimit` allows. */
  | { readonly kind: 'NotDone'; readonly reason: string; readonly message: string }
  /** The kubelet did not admit it, because the node had no room for it, and nothing of it ran: this counts as no try. */
  | { readonly kind: 'Rejected'; readonly message: string };

/** The words of messages about nodes and pods. */
export interface KindWords {
  /** The program in the pods: "the cleaner did not start". */
  readonly worker: string;
  /** The verb for a finished node: "3 of 4 nodes cleaned". */
  readonly done: string;
}

/**
 * Everything in which kinds of runs differ. Its parts are pure. Those about policies and tallies get only their own:
 * `schema` makes the policies, `resultOf` the tallies.
 */
export interface RunKind<Totals extends object = object> {
  /** The name of its records and, before `.yaml`, of the key of its documents. */
  readonly name: string;
  /** Makes a policy, with every default filled in, of a document. */
  readonly schema: z.ZodType<Policy>;
  readonly words: KindWords;
  /** Decides if a run gets a pod on a node now. */
  judgeNode(node: Node, policy: Policy): Eligibility;
  /** Reads what became of a pod from its status. */
  resultOf(pod: RunPod): PodResult;
  /** The figures of one node as its record has them: as short as they can be. */
  encodeTally(tally: unknown): unknown;
  /** Throws where a record is damaged. */
  decodeTally(stored: unknown): unknown;
  /** Puts the figures of nodes together. Each key becomes a key of the record and of `nodesweep status`. */
  totalsOf(tallies: readonly unknown[]): Totals;
  /** True if any of the nodes with these figures is not as it was before. */
  hasEffect(tallies: readonly unknown[]): boolean;
  /** Tells in a few words what a run has brought about. */
  describeEffect(policy: Policy, totals: Totals): string;
  /** True if the pods are told what the workloads of the cluster name. */
  needsWorkloadReferences(policy: Policy): boolean;
  /** The document that tells all pods of a run what to do. What only one node's pod needs to know comes with it. */
  jobOf(run: Run, workloadReferences: readonly string[]): object;
  /** The ConfigMaps of a job. The last one is the job itself. Rejects with a {@link JobTooLargeError}. */
  packJob(name: string, job: object): Promise<readonly JobMap[]>;
  /** The names of the ConfigMaps of a job, from what the last one of them says. */
  jobMapNames(name: string, job: object): readonly string[];
  /** Builds a pod; throws where the node can't have it, or the API server would not take it. */
  buildPod(order: PodOrder, node: PlacedNode, template: PodTemplate): PodBody;
}
