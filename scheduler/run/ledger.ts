import type { Node } from '../objects.ts';
import type { Policy } from '../policy/policy.ts';
import type { Eligibility } from './rollout/eligibility.ts';
import type { Run } from './run.ts';

/** The data of a ledger, as its ConfigMap has it. Only the kind of the policy can read it. */
export type LedgerData = Readonly<Record<string, string>>;

/** A ledger that this version can't read. It must not count as empty: nothing is taken away, and nothing is written over. */
export class LedgerError extends Error {
  override readonly name = 'LedgerError';
}

/** The facts that may change a ledger. */
export interface LedgerEntry {
  /** The policy now; undefined while it is not valid. */
  readonly policy?: { readonly document: unknown; readonly policy: Policy } | undefined;
  /** The value of `nodesweep.io/purge-at`. */
  readonly purgeAt?: string | undefined;
  /** True if a run is requested that has not started. It ends a purge. */
  readonly isRequested?: boolean | undefined;
  /** True if the policy is deleted. Then the account ends for what must stay on a node. */
  readonly isGone?: boolean | undefined;
  /** True if the ledger is of an earlier policy of the same name, which was deleted. */
  readonly isOfEarlierPolicy: boolean;
  /** The runs of the policy on record. */
  readonly runs: readonly Run[];
  /** The run that is about to create pods, and the nodes on which it may do so. */
  readonly starting?: { readonly run: Run; readonly nodes: readonly Node[] } | undefined;
  /** All nodes of the cluster. */
  readonly nodes: readonly Node[];
  readonly now: Date;
}

/** The facts that decide what a run takes away from a node. */
export interface DueQuestion {
  readonly run: Run;
  readonly node: Node;
  /** Reads the references of all images that policies keep on the node. They are read only for a node that has something on account. */
  readonly kept: () => readonly string[];
  /** The memory of the kind about the node. */
  readonly memory?: unknown;
  readonly now: Date;
}

/** The end of a ledger whose policy is deleted. */
export type WhenGone =
  /** Nothing is left to do. */
  | { readonly verdict: 'Forget' }
  /** Runs of the last valid version of the policy take away what it has left on nodes. */
  | { readonly verdict: 'TakeAway'; readonly document: unknown; readonly policy: Policy };

/**
 * The rules of a kind whose runs leave something on nodes that must be taken away later. Its ledger is an account of that. It
 * is written before the pods are created, and it outlives the policy and its runs.
 */
export interface LedgerRules {
  /** The next data of a ledger; undefined if nothing changes. Throws a {@link LedgerError}. */
  update(before: LedgerData | undefined, entry: LedgerEntry): LedgerData | undefined;
  /** The references of the images that a run takes away from a node. Throws a {@link LedgerError}. */
  dueOn(ledger: LedgerData, question: DueQuestion): readonly string[];
  /** The request of the purge that is in force, so that the policy wants nothing. Throws a {@link LedgerError}. */
  purgeInForce(ledger: LedgerData, policy: Policy): string | undefined;
  /** Decides what happens to the things on nodes when the policy is deleted. Throws a {@link LedgerError}. */
  whenGone(ledger: LedgerData): WhenGone;
  /** Decides if something can be taken away from a node now. */
  judgeNode(node: Node, policy: Policy): Eligibility;
  /** True if the next pod on the node takes something away. The pods of earlier runs there are deleted before. */
  takesAway(run: Run, node: Node, memory: unknown): boolean;
}
