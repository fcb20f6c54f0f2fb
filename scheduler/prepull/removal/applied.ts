import { referenceKeys, repositoryOf } from '../../../contract/images/reference.ts';

/**
 * The images that a policy has put on its nodes, or may have put there, and that it has not removed yet: sorted references
 * by node. An image comes in before its pod is created, and goes when it is known to be gone.
 */
export type Applied = ReadonlyMap<string, AppliedNode>;

/** The images of one node. */
export interface AppliedNode {
  readonly references: readonly string[];
  /**
   * The digests that the tags among them have had there, as `repository@digest`, the oldest first; absent if none is known. When
   * a tag moves, the runtime keeps the image before under its digest.
   */
  readonly versions?: readonly string[];
  /** References that stay for a reason that lasts, so that no pod tries to remove them before `until`. */
  readonly setAside?: { readonly until: Date; readonly references: readonly string[] };
  /** The machine of the node. Absent if it was not known when the images came on account. */
  readonly machine?: string;
  /** When the node was first missing in the cluster; absent while it is there. */
  readonly missingSince?: Date;
}

/** References by node. */
export type ByNode = ReadonlyMap<string, readonly string[]>;

/** Adds references to nodes. Returns the same object if it has all of them, so that nothing is to be written. */
export function withWanted(applied: Applied, wanted: ByNode): Applied {
  return change(applied, wanted, (node, more) => withReferences(node, new Set(node.references).union(more)));
}

/** Adds the digests that tags have now. Returns the same object if it has all of them. */
export function withVersions(applied: Applied, versions: ByNode): Applied {
  return change(applied, versions, (node, now) => {
    const before = new Set(node.versions);
    return now.isSubsetOf(before) ? node : { ...node, versions: newest([...before.union(now)]) };
  });
}

/** Takes away the references that are known to be gone from nodes. Returns the same object if it has none of them. */
export function withoutRemoved(applied: Applied, removed: ByNode): Applied {
  return change(applied, removed, (node, gone) => {
    const left = (node.versions ?? []).filter((version) => !gone.has(version));
    const versioned = left.length === (node.versions?.length ?? 0) ? node : replaceVersions(node, left);
    return withReferences(versioned, new Set(node.references).difference(gone));
  });
}

/** Sets aside references that nodes have kept, until a time. They stay on account. */
export function withSetAside(applied: Applied, kept: ByNode, until: Date): Applied {
  return change(applied, kept, (node, references) => {
    const known = new Set([...node.references, ...(node.versions ?? [])]);
    const all = new Set(node.setAside?.references).union(references).intersection(known);
    return all.size === 0 ? node : { ...node, setAside: { until, references: [...all].sort() } };
  });
}

/** Sets nothing aside any more: everything is tried again. */
export function withoutSetAside(applied: Applied): Applied {
  if (![...applied.values()].some(({ setAside }) => setAside !== undefined)) return applied;
  return new Map([...applied].map(([name, { setAside: _, ...node }]) => [name, node]));
}

/** True if one of the references may be removed now, so that a pod is worth its cost. */
export function isWorthTrying({ setAside }: AppliedNode, references: readonly string[], now: Date): boolean {
  const waiting = new Set(setAside !== undefined && now < setAside.until ? setAside.references : []);
  return references.some((reference) => !waiting.has(reference));
}

/** Forgets what no list wants on nodes, for a policy that leaves its images where they are. */
export function withOnlyWanted(applied: Applied, wanted: ByNode): Applied {
  const all = new Map([...applied.keys()].map((node) => [node, wanted.get(node) ?? []]));
  return change(applied, all, (node, kept) => {
    const unversioned = node.versions === undefined ? node : replaceVersions(node, []);
    return withReferences(unversioned, new Set(node.references).intersection(kept));
  });
}

/**
 * Notes the nodes that are missing in the cluster, and forgets those that have been missing for longer than
 * `forgetAfterMs`. A node that comes back has the images that it had, unless it is another machine: that one has the images
 * of somebody else. `present` has the machine of each node, where it is known.
 */
export function withPresentNodes(
  applied: Applied,
  present: ReadonlyMap<string, string | undefined>,
  { now, forgetAfterMs }: { readonly now: Date; readonly forgetAfterMs: number },
): Applied {
  const nodes = [...applied].flatMap(([name, node]): [string, AppliedNode][] => {
    const { missingSince, ...others } = node;
    if (present.has(name)) {
      if (isOtherMachine(node, present.get(name))) return [];
      return [[name, missingSince === undefined ? node : others]];
    }
    if (missingSince === undefined) return [[name, { ...others, missingSince: now }]];
    return now.getTime() - missingSince.getTime() > forgetAfterMs ? [] : [[name, node]];
  });
  const isSame = nodes.length === applied.size && nodes.every(([name, node]) => applied.get(name) === node);
  return isSame ? applied : new Map(nodes);
}

/** Notes the machines of nodes where they were not known. Returns the same object if nothing is new. */
export function withMachines(applied: Applied, present: ReadonlyMap<string, string | undefined>): Applied {
  const isNew = ([name, { machine }]: readonly [string, AppliedNode]) =>
    machine === undefined && present.get(name) !== undefined;
  if (![...applied].some(isNew)) return applied;
  return new Map(
    [...applied].map(([name, node]) => {
      const machine = node.machine ?? present.get(name);
      return [name, machine === undefined ? node : { ...node, machine }];
    }),
  );
}

/** True if the images on account are those of another machine, which had the name of the node before. */
export function isOtherMachine({ machine }: AppliedNode, now: string | undefined): boolean {
  return machine !== undefined && now !== undefined && machine !== now;
}

/**
 * The references to remove from a node: those that are applied there, also as versions, and that no list of any policy wants
 * there (`wantedByAnyPolicy`). A reference that may mean the same image as a wanted one stays too, such as another reference
 * with the same digest.
 */
export function toRemove(
  applied: Applied,
  node: string,
  wantedByAnyPolicy: Iterable<string>,
  removalPolicy: 'Delete' | 'Retain',
): readonly string[] {
  if (removalPolicy === 'Retain') return [];
  const wanted = new Set(wantedByAnyPolicy);
  const { references = [], versions = [] } = applied.get(node) ?? {};
  const unwanted = [...new Set([...references, ...versions])].filter((reference) => !wanted.has(reference));
  if (unwanted.length === 0) return [];
  const wantedKeys = new Set([...wanted].flatMap(referenceKeys));
  return unwanted.filter((reference) => !referenceKeys(reference).some((key) => wantedKeys.has(key)));
}

/**
 * The number of versions of one repository that a node has on account. Only versions that stay in use for many moves of their
 * tags are more; the oldest of them are forgotten, so that they stay on the node.
 */
const maxVersions = 20;

function newest(versions: readonly string[]): readonly string[] {
  const kept = [...Map.groupBy(versions, repositoryOf).values()].flatMap((group) => group.slice(-maxVersions));
  const isKept = new Set(kept);
  return versions.filter((version) => isKept.has(version));
}

function replaceVersions({ versions: _, ...node }: AppliedNode, versions: readonly string[]): AppliedNode {
  return versions.length === 0 ? node : { ...node, versions };
}

/** The node with other references; the same object if there are as many, because they are only added or only taken away. */
function withReferences(node: AppliedNode, references: ReadonlySet<string>): AppliedNode {
  return references.size === node.references.length ? node : { ...node, references: [...references].sort() };
}

const nothing: AppliedNode = { references: [] };

function change(
  applied: Applied,
  changes: ByNode,
  combine: (node: AppliedNode, others: ReadonlySet<string>) => AppliedNode,
): Applied {
  const changed = [...changes].flatMap(([name, others]): [string, AppliedNode][] => {
    const before = applied.get(name) ?? nothing;
    const after = combine(before, new Set(others));
    return after === before ? [] : [[name, after]];
  });
  if (changed.length === 0) return applied;
  return new Map([...new Map([...applied, ...changed])].filter(([, node]) => hasAny(node)));
}

function hasAny({ references, versions = [] }: AppliedNode): boolean {
  return references.length > 0 || versions.length > 0;
}
