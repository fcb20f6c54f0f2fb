import type * as z from 'zod';
import type { SetSize } from '../../contract/images/set-sum.ts';
import type { Node, RunPod } from '../objects.ts';
import type { JobTooLargeError } from '../pods/job-too-large.ts';
import type { JobMap, PlacedNode, PodBody, PodOrder, PodTemplate } from '../pods/pod-template.ts';
import type { Policy } from '../policy/policy.ts';
import type { Problem } from '../policy/problem.ts';
import type { SetNeeds } from '../sets/problems.ts';
import type { LedgerRules } from './ledger.ts';
import type { Ending, NodeResult } from './progress.ts';
import type { LastResult } from './results/last-results.ts';
import type { LossRules } from './results/losses.ts';
import type { Eligibility } from './rollout/eligibility.ts';
import type { Run } from './run.ts';
import type { StartupRules } from './startup.ts';

/** The work of the other runs of a policy on a node, as far as it is known. */
export interface EarlierWork {
  /** Their newest result there. */
  readonly last?: LastResult | undefined;
  /** Their held pods there. */
  readonly held: readonly HeldPod[];
}

/** A pod that is held, with its run. */
export interface HeldPod {
  readonly pod: RunPod;
  readonly run: Run;
}

/** The facts beside a pod that decide its result. */
export interface PodFacts {
  readonly run: Run;
  /** Undefined once the node has left the cluster. */
  readonly node: Node | undefined;
  /** The memory of the kind about the node: the `memory` of an earlier result. Undefined if there was none. */
  readonly before: unknown;
  /**
   * The references of the images that the run must take away from the node, if `memory` is what the kind remembers of it. Absent
   * if that is not asked.
   */
  readonly due?: ((memory: unknown) => readonly string[]) | undefined;
  /** The work of the other runs on the node. Absent if it is not asked. */
  readonly earlier?: (() => EarlierWork) | undefined;
  readonly now: Date;
}

/**
 * The result of a pod for its run. `memory` replaces the memory of the kind about the node. The record has it after the
 * next write, but it causes no write by itself, so a process that is killed may lose the latest changes.
 */
export type PodResult =
  /** The pod has not ended its work. At `until`, the result may change even if nothing is reported. */
  | { readonly kind: 'Active'; readonly until?: Date | undefined; readonly memory?: unknown }
  /**
   * The pod has done its part, and the node needs a further pod, not before `retryAt`. The pod is deleted if it still
   * runs. This is not a try. The record has `memory` before the next pod is created.
   */
  | { readonly kind: 'Continue'; readonly memory: unknown; readonly retryAt?: Date | undefined }
  /** The work is done or refused, or has failed in a way that another pod does not change. */
  | ({ readonly kind: 'Done'; readonly result: NodeResult } & Ending)
  /** The pod ended before it did its work. The run tries another pod as long as `restartLimit` allows. */
  | { readonly kind: 'NotDone'; readonly reason: string; readonly message: string; readonly memory?: unknown }
  /** The kubelet did not admit the pod, because the node had no room. No container ran, so this is not a try. */
  | { readonly kind: 'Rejected'; readonly message: string };

/** A resource outside of the nodes, with the maximum number of nodes that may use it at the same time. */
export interface SharedResource {
  readonly name: string;
  readonly limit: number;
}

/** A condition of a policy, without its type and time. */
export interface Judgement {
  readonly status: 'True' | 'False';
  readonly reason: string;
  readonly message: string;
}

/** The words of messages about nodes and pods. */
export interface KindWords {
  /** The program in the pods: "the cleaner did not start". */
  readonly worker: string;
  /** The verb for a finished node: "3 of 4 nodes cleaned". */
  readonly done: string;
}

/** A valid policy with its name and kind. */
export interface NamedPolicy {
  readonly name: string;
  readonly kind: RunKind;
  readonly document: unknown;
  readonly policy: Policy;
}

/** The facts that the job of a run has beside its policy. */
export interface JobFacts {
  /** The references that workload templates in the cluster name, if the kind needs them. */
  readonly workloadReferences: readonly string[];
  /** The times of the image sets that the policy names, by name; undefined if it names none. */
  readonly setTimes?: Readonly<Record<string, string>> | undefined;
}

/** The questions to registries that decide what the pods of a kind may remove. */
export interface QuestionRules {
  /** The path of the field of a policy whose pods need the answers; undefined if they need none. */
  fieldOf(policy: Policy): string | undefined;
  /** True if the pods may also remove what no registry has, where another node keeps a copy. */
  sparesCopies(policy: Policy): boolean;
  /** True if a pod has ended, and its log lists images that must be known before the next pod of this or of another node. */
  hasListed(pod: RunPod, policy: Policy): boolean;
}

/** The images that the policies of a kind keep on nodes: no cleaner of any policy removes them there. */
export interface Keeping {
  /** The images that a policy keeps, as the status stores them: they stay while a later edit of the policy is not valid. */
  keptBy(policy: Policy): unknown;
  /** The references of the images that are kept on a node. Throws if `kept` was damaged. */
  referencesOn(node: Node, kept: unknown): readonly string[];
}

/**
 * The differences between kinds of runs. All functions are pure. They get only policies and tallies of their own kind:
 * `schema` makes the policies, `resultOf` the tallies.
 */
export interface RunKind<Totals extends object = object> {
  /** The name of the kind in records and, before `.yaml`, in the keys of its documents. */
  readonly name: string;
  /** Makes a policy with all defaults from a document. */
  readonly schema: z.ZodType<Policy>;
  /** A valid document with the least fields. It replaces the fields of a record that this version can't read. */
  readonly minimalDocument: object;
  readonly words: KindWords;
  /**
   * Remarks of `nodesweep lint` about a valid policy. `others` are the other valid policies of the same file, and `sets` the
   * sizes of the image sets of all files, by name.
   */
  warningsOf?(policy: Policy, others: readonly NamedPolicy[], sets: ReadonlyMap<string, SetSize>): readonly Problem[];
  /** The images that its policies keep on nodes, if they keep any. */
  readonly keeping?: Keeping;
  /** False if its pods remove no images, so that they need not know which ones to keep. Default: true. */
  readonly removesImages?: boolean;
  /** Its questions to registries, if it has any. */
  readonly questions?: QuestionRules;
  /** The rules for nodes that join with the startup taint, if they can wait for its policies. */
  readonly startup?: StartupRules | undefined;
  /** The account of what its runs leave on nodes, if they must take it away later. */
  readonly ledger?: LedgerRules;
  /** Finds what nodes lose again and again between runs, if the runs put something on nodes. */
  readonly losses?: LossRules;
  /** Decides if a run gets a pod on a node now. */
  judgeNode(node: Node, policy: Policy): Eligibility;
  /** The resources that a pod on the node shares with those on other nodes, for example a registry. */
  resourcesOf(node: Node, run: Run): readonly SharedResource[];
  /**
   * True if the pod of an ended run stays, because its containers keep something on its node. It stays until a newer run
   * has done its work on the node.
   */
  isHeld(pod: RunPod, run: Run): boolean;
  /**
   * True if a newer run has taken over all that a held pod keeps, so that the pod is not needed any more. `pods` are the held pods
   * of the newer run on the node.
   */
  isTakenOver(held: HeldPod, newer: { readonly run: Run; readonly pods: readonly RunPod[] }): boolean;
  /** True if a node that joins the cluster, or that needs other work than before, gets a run at once. */
  servesNewNodes(policy: Policy): boolean;
  /** True if the last result on the node covers all the work that the policy means for it now, also if it failed. */
  isServed(node: Node, policy: Policy, last: LastResult): boolean;
  /** Reads the result of a pod from its status, and from the memory about its node. */
  resultOf(pod: RunPod, facts: PodFacts): PodResult;
  /**
   * The ending of a node that the engine settles without a result of a pod (deadline, lost node, no further try): the
   * figures so far, and the cause that is remembered.
   */
  endingOf(facts: PodFacts): Ending;
  /** Encodes the memory about one node for the record, as short as possible. */
  encodeMemory(memory: unknown): unknown;
  /** Decodes the memory about one node. Throws if the record is damaged. */
  decodeMemory(stored: unknown): unknown;
  /** Encodes the figures of one node for the record, as short as possible. */
  encodeTally(tally: unknown): unknown;
  /** Decodes the figures of one node. Throws if the record is damaged. */
  decodeTally(stored: unknown): unknown;
  /**
   * Judges if the nodes have what the policy means, by the runs on record: the condition Present. Undefined while nothing
   * is known. A kind without it has no such condition.
   */
  presenceOf?(policy: Policy, runs: readonly Run[]): Judgement | undefined;
  /** Adds up the figures of nodes. Each key becomes a key of the record and of `nodesweep status`. */
  totalsOf(tallies: readonly unknown[]): Totals;
  /** True if the run changed any of the nodes with these figures. */
  hasEffect(tallies: readonly unknown[]): boolean;
  /** Describes the effect of a run in a few words. */
  describeEffect(policy: Policy, totals: Totals): string;
  /** True if the pods need the images that the workloads of the cluster name. */
  needsWorkloadReferences(policy: Policy): boolean;
  /** The image sets that a policy names, if the policies of this kind can name sets. Undefined if it names none. */
  setsOf?(policy: Policy): SetNeeds | undefined;
  /** The document with the task for all pods of a run. A pod gets the facts about its own node with itself. */
  jobOf(run: Run, facts: JobFacts): object;
  /** The ConfigMaps of a job. The last one is the job itself. Rejects with a {@link JobTooLargeError}. */
  packJob(name: string, job: object): Promise<readonly JobMap[]>;
  /** The names of the ConfigMaps of a job, read from the last one of them. */
  jobMapNames(name: string, job: object): readonly string[];
  /** Builds a pod. Throws if the node can't run it, or if the API server would refuse it. */
  buildPod(order: PodOrder, node: PlacedNode, template: PodTemplate): PodBody;
}
