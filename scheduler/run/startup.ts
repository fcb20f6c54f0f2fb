import type { Node } from '../objects.ts';
import type { Policy } from '../policy/policy.ts';
import type { LastResult } from './results/last-results.ts';
import type { Run } from './run.ts';

/** The state of a policy's work on a node that has the startup taint. */
export type StartupState =
  /** The policy has no work on the node. */
  | { readonly state: 'NotReached' }
  /** All of its work is done. */
  | { readonly state: 'Served' }
  /** Something is missing. */
  | { readonly state: 'Missing'; readonly message: string };

/** The facts that the runs of a policy have found on a node. */
export interface StartupFacts {
  readonly last?: LastResult | undefined;
  /** The memory of the kind about the node, in a run that is active there. */
  readonly active?: { readonly run: Run; readonly memory: unknown } | undefined;
}

/** The rules of a kind for nodes that join with the startup taint: workloads wait there until its policies have done their work. */
export interface StartupRules {
  /** The seconds after the creation of a node for which it waits at most; undefined if no node waits for the policy. */
  timeoutSecondsOf(policy: Policy): number | undefined;
  /** Judges the work of a policy on a node. */
  stateOn(node: Node, policy: Policy, facts: StartupFacts): StartupState;
}

/** A policy for which nodes with the startup taint wait. */
export interface StartupPolicy {
  readonly name: string;
  readonly timeoutSeconds: number;
  readonly stateOn: (node: Node) => StartupState;
}

/** A policy whose work is missing on a node, in a few words. */
export interface MissingWork {
  readonly policy: string;
  readonly message: string;
}

/** The cause for which a node loses the startup taint. */
export type Opening =
  | { readonly cause: 'NotReached' }
  | { readonly cause: 'Served' }
  /** Work is missing, but no node waits for longer. */
  | { readonly cause: 'TimedOut'; readonly missing: readonly MissingWork[] };

/** For a node that no policy reaches, and that is not ready: its labels may not be complete yet. */
const unreachedTimeoutSeconds = 600;

/**
 * Decides if a node loses the startup taint now; undefined if it waits. It waits for every policy until the policy has done its
 * work, or its timeout is over. The time counts from the creation of the node, because autoscalers count from then, and because
 * a node that becomes ready again and again would never lose the taint otherwise.
 */
export function openingOf(node: Node, policies: readonly StartupPolicy[], now: Date): Opening | undefined {
  const ageSeconds = (now.getTime() - (node.createdAt ?? node.readySince).getTime()) / 1_000;
  const states = policies.map(({ name, timeoutSeconds, stateOn }) => ({ name, timeoutSeconds, work: stateOn(node) }));
  const isAwaited = states.some(({ timeoutSeconds, work }) => work.state === 'Missing' && ageSeconds < timeoutSeconds);
  if (isAwaited) return undefined;
  const missing = states.flatMap(({ name, work }) =>
    work.state === 'Missing' ? [{ policy: name, message: work.message }] : [],
  );
  if (missing.length > 0) return { cause: 'TimedOut', missing };
  if (states.some(({ work }) => work.state === 'Served')) return { cause: 'Served' };
  const isOver = ageSeconds >= Math.max(unreachedTimeoutSeconds, ...policies.map((policy) => policy.timeoutSeconds));
  return hasAllLabels(node) || isOver ? { cause: 'NotReached' } : undefined;
}

/**
 * Taints of nodes that have not got all of their labels yet: the cloud controller manager and Karpenter remove them. No
 * workload is placed there meanwhile.
 */
const incompleteTaints: ReadonlySet<string> = new Set([
  'node.cloudprovider.kubernetes.io/uninitialized',
  'karpenter.sh/unregistered',
]);

function hasAllLabels({ ready, taints }: Node): boolean {
  return ready && !taints.some(({ key }) => incompleteTaints.has(key));
}
