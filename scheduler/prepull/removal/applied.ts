import { referenceKeys } from '../../../contract/reference.ts';

/**
 * The images that a policy has put on its nodes, or may have put there, and that it has not removed yet: sorted references
 * by node. An image comes in before its pod is created, and goes when it is known to be gone.
 */
export type Applied = ReadonlyMap<string, AppliedNode>;

/** The images of one node. */
export interface AppliedNode {
  readonly references: readonly string[];
  /** When the node was first missing in the cluster; absent while it is there. */
  readonly missingSince?: Date;
}

/** References by node. */
export type ByNode = ReadonlyMap<string, readonly string[]>;

/** Adds references to nodes. Returns the same object if it has all of them, so that nothing is to be written. */
export function withWanted(applied: Applied, wanted: ByNode): Applied {
  return change(applied, wanted, (references, more) => references.union(more));
}

/** Takes away the references that are known to be gone from nodes. Returns the same object if it has none of them. */
export function withoutRemoved(applied: Applied, removed: ByNode): Applied {
  return change(applied, removed, (references, gone) => references.difference(gone));
}

/** Forgets the references of nodes that no list wants, for a policy that leaves its images where they are. */
export function withOnlyWanted(applied: Applied, wanted: ByNode): Applied {
  const all = new Map([...applied.keys()].map((node) => [node, wanted.get(node) ?? []]));
  return change(applied, all, (references, kept) => references.intersection(kept));
}

/**
 * Notes the nodes that are missing in the cluster, and forgets those that have been missing for longer than
 * `forgetAfterMs`. A node that comes back has the images that it had.
 */
export function withPresentNodes(
  applied: Applied,
  present: ReadonlySet<string>,
  { now, forgetAfterMs }: { readonly now: Date; readonly forgetAfterMs: number },
): Applied {
  const nodes = [...applied].flatMap(([name, node]): [string, AppliedNode][] => {
    const { references, missingSince } = node;
    if (present.has(name)) return [[name, missingSince === undefined ? node : { references }]];
    if (missingSince === undefined) return [[name, { references, missingSince: now }]];
    return now.getTime() - missingSince.getTime() > forgetAfterMs ? [] : [[name, node]];
  });
  const isSame = nodes.length === applied.size && nodes.every(([name, node]) => applied.get(name) === node);
  return isSame ? applied : new Map(nodes);
}

/**
 * The references to remove from a node: those that are applied there, and that no list of any policy wants there
 * (`wantedByAnyPolicy`). A reference that may mean the same image as a wanted one stays too, such as another reference with
 * the same digest.
 */
export function toRemove(
  applied: Applied,
  node: string,
  wantedByAnyPolicy: Iterable<string>,
  removalPolicy: 'Delete' | 'Retain',
): readonly string[] {
  if (removalPolicy === 'Retain') return [];
  const wanted = new Set(wantedByAnyPolicy);
  const unwanted = (applied.get(node)?.references ?? []).filter((reference) => !wanted.has(reference));
  if (unwanted.length === 0) return [];
  const wantedKeys = new Set([...wanted].flatMap(referenceKeys));
  return unwanted.filter((reference) => !referenceKeys(reference).some((key) => wantedKeys.has(key)));
}

function change(
  applied: Applied,
  changes: ByNode,
  combine: (references: ReadonlySet<string>, others: ReadonlySet<string>) => ReadonlySet<string>,
): Applied {
  const changed = [...changes].flatMap(([name, others]): [string, AppliedNode][] => {
    const before = new Set(applied.get(name)?.references);
    const after = combine(before, new Set(others));
    return after.size === before.size ? [] : [[name, { ...applied.get(name), references: [...after].sort() }]];
  });
  if (changed.length === 0) return applied;
  return new Map([...new Map([...applied, ...changed])].filter(([, { references }]) => references.length > 0));
}
