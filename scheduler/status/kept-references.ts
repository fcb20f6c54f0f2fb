import type { ClusterState } from '../cluster.ts';
import type { Node, PolicyObject } from '../objects.ts';
import type { ParsedPolicy } from '../policy/parse.ts';
import type { RunKind } from '../run/kind.ts';
import { purgeOf } from './purge-of.ts';
import type { PolicyStatus } from './status.ts';

/** The images that a policy keeps on nodes are not known. Nothing may be removed then. */
export class UnknownKeptError extends Error {
  override readonly name = 'UnknownKeptError';
}

/** A policy, and the images that its last valid version keeps on nodes. */
export interface Keeper {
  readonly name: string;
  /** Undefined if there is a status, but no policy: it is deleted, or can't be read now. */
  readonly parsed: ParsedPolicy | undefined;
  /** `Unreadable` if there is a status that can't be read. */
  readonly lastKept: PolicyStatus['lastKept'] | 'Unreadable';
}

/**
 * All policies that may keep images. A purged policy keeps none. A status without a policy is one: the policy may be in a file
 * that can't be read now. If the policy is deleted, its status is deleted soon.
 */
export function keepersIn(
  { policies, statuses, ledgers }: Pick<ClusterState, 'policies' | 'statuses' | 'ledgers'>,
  parse: (policy: PolicyObject) => ParsedPolicy,
): readonly Keeper[] {
  const names = new Set(policies.map(({ name }) => name));
  const unseen = [...statuses].filter(([name]) => !names.has(name));
  const keeping = policies.map((policy) => ({
    name: policy.name,
    parsed: parse(policy),
    lastKept: lastKeptIn(statuses.get(policy.name), policy),
  }));
  return [
    ...keeping.filter(({ name, parsed }) => purgeOf({ ledgers }, name, parsed) === undefined),
    ...unseen.map(([name, { value }]) => ({ name, parsed: undefined, lastKept: value?.lastKept })),
  ];
}

function lastKeptIn(stored: ReturnType<ClusterState['statuses']['get']>, { uid }: PolicyObject): Keeper['lastKept'] {
  if (stored === undefined) return undefined;
  if (stored.value === undefined) return 'Unreadable';
  return stored.value.policyUid === uid ? stored.value.lastKept : undefined;
}

/**
 * The references of all images that policies keep on a node: suspended policies too, and the last valid version of a policy
 * that is not valid now. Throws an {@link UnknownKeptError} if they are not known.
 */
export function referencesKeptOn(node: Node, keepers: readonly Keeper[], kinds: readonly RunKind[]): readonly string[] {
  return [...new Set(keepers.flatMap((keeper) => keptBy(keeper, node, kinds)))].sort();
}

function keptBy({ name, parsed, lastKept }: Keeper, node: Node, kinds: readonly RunKind[]): readonly string[] {
  if (parsed?.valid) return parsed.kind.keeping?.referencesOn(node, parsed.kind.keeping.keptBy(parsed.policy)) ?? [];
  if (lastKept === 'Unreadable') return parsed?.kinds.some(({ keeping }) => keeping) ? refuse(name) : [];
  if (lastKept === undefined) return [];
  const { keeping } = kinds.find((kind) => kind.name === lastKept.kind) ?? {};
  if (keeping === undefined || lastKept.kept === undefined) return refuse(name);
  try {
    return keeping.referencesOn(node, lastKept.kept);
  } catch (cause) {
    return refuse(name, cause);
  }
}

function refuse(policy: string, cause?: unknown): never {
  throw new UnknownKeptError(
    `policy ${policy} is not valid, and the images of its last valid version can't be read from its status, so nothing is removed: fix the policy (nodesweep lint finds its problems), or delete it`,
    { cause },
  );
}
