import type { Node } from '../../../scheduler/objects.ts';
import type { ListPolicy, TestList } from './history.ts';

/** If a purge of a policy is in force: for certain, not for certain, or perhaps. */
type Purge = 'No' | 'Perhaps' | 'Yes';

interface Policy {
  readonly name: string;
  readonly uid: string;
  /** As it is now; undefined while it is not valid. */
  current: ListPolicy | undefined;
  /** As it was when it was valid last. */
  lastValid: ListPolicy | undefined;
  /** True if a scheduler that knew everything has seen the last valid version. */
  isObserved: boolean;
  purge: Purge;
  /** The lists that are purged, as text. */
  purgedLists: string | undefined;
  /** True if a run was asked for since the purge. */
  isAskedFor: boolean;
  /** The requests that have started no run yet. With one of them, it is not certain that a purge stays in force. */
  readonly openRequests: Set<string>;
  /** True if a run was open when the purge was asked for: a scheduler that learns of both at once can't know which was first. */
  isPurgeUncertain: boolean;
}

/**
 * All that policies want of nodes, worked out anew, by the lists of the model and not by the scheduler's code. Each fact has
 * the instant since which it holds without a break, because a scheduler may be late.
 */
export class Truth {
  readonly #policies = new Map<string, Policy>();
  /** Since when a policy of that name wants an image on a node for certain, by all three. */
  readonly #wantedSince = new Map<string, number>();
  /** Since when a purge of the policy is in force for certain. */
  readonly #purgedSince = new Map<string, number>();
  /** Since when the removal policy of a policy is `Retain`. */
  readonly #retainedSince = new Map<string, number>();
  /** All lists that policies of a name have ever had, and the labels that nodes of a name have ever had. */
  readonly #everLists = new Map<string, TestList[]>();
  readonly #everPools = new Map<string, Set<string>>();
  /** The names of the policies that may ever have left images on nodes for good. */
  readonly #everRetained = new Set<string>();

  applied(name: string, uid: string, as: ListPolicy | undefined): void {
    const before = this.#policies.get(name);
    const known = before?.uid === uid ? before : undefined;
    const next: Policy = known ?? {
      name,
      uid,
      current: undefined,
      lastValid: undefined,
      isObserved: false,
      purge: 'No',
      purgedLists: undefined,
      isAskedFor: false,
      openRequests: new Set(),
      isPurgeUncertain: false,
    };
    next.current = as;
    if (as !== undefined) {
      this.#everLists.set(name, [...(this.#everLists.get(name) ?? []), ...as.lists]);
      if (as.fields.removalPolicy === 'Retain') this.#everRetained.add(name);
      next.isObserved = false;
      next.lastValid = as;
      if (next.purge === 'Yes' && listsOf(as) !== next.purgedLists) next.purge = 'Perhaps';
    }
    this.#policies.set(name, next);
  }

  deleted(name: string): void {
    this.#policies.delete(name);
  }

  /** Somebody asks to purge the policy. */
  purgeRequested(name: string): void {
    const policy = this.#policies.get(name);
    if (policy === undefined) return;
    policy.purge = 'Perhaps';
    policy.purgedLists = undefined;
    policy.isAskedFor = false;
    policy.isPurgeUncertain = policy.openRequests.size > 0;
  }

  /** Somebody asks for a run of the policy, which ends a purge. */
  runRequested(name: string, request: string): void {
    const policy = this.#policies.get(name);
    policy?.openRequests.add(request);
    if (policy === undefined || policy.purge === 'No') return;
    policy.purge = 'Perhaps';
    policy.isAskedFor = true;
  }

  /** The run for a request has started. */
  requestServed(uid: string, request: string): void {
    for (const policy of this.#policies.values()) if (policy.uid === uid) policy.openRequests.delete(request);
  }

  /** A scheduler that knows everything has looked at all policies. */
  observed(): void {
    for (const policy of this.#policies.values()) {
      const { current } = policy;
      if (current === undefined) continue;
      policy.isObserved = true;
      if (policy.purge !== 'Perhaps' || policy.openRequests.size > 0) continue;
      if (policy.isPurgeUncertain && !policy.isAskedFor) continue;
      if (policy.purgedLists === undefined && !policy.isAskedFor) {
        policy.purge = 'Yes';
        policy.purgedLists = listsOf(current);
      } else if (policy.isAskedFor || listsOf(current) !== policy.purgedLists) policy.purge = 'No';
    }
  }

  /** Takes over the nodes as they are, and all that is new since the last time. */
  update(nodes: readonly Node[], now: number): void {
    const wanted = new Set<string>();
    const purged = new Set<string>();
    const retained = new Set<string>();
    for (const { name, labels } of nodes)
      this.#everPools.set(name, (this.#everPools.get(name) ?? new Set()).add(labels.pool ?? ''));
    for (const policy of this.#policies.values()) {
      if (policy.purge === 'Yes') purged.add(policy.uid);
      if (policy.lastValid?.fields.removalPolicy === 'Retain') retained.add(policy.uid);
      for (const node of nodes) this.#note(policy, node, wanted);
    }
    sync(this.#wantedSince, wanted, now);
    sync(this.#purgedSince, purged, now);
    sync(this.#retainedSince, retained, now);
  }

  /** The policies that are there. */
  policies(): readonly { readonly name: string; readonly uid: string; readonly current: ListPolicy | undefined }[] {
    return [...this.#policies.values()];
  }

  lastValidOf(name: string): ListPolicy | undefined {
    return this.#policies.get(name)?.lastValid;
  }

  /** The images that policies want on the node for certain, and have wanted since then. */
  wantedOn(node: string, since: number): readonly string[] {
    const keys = [...this.#wantedSince].filter(([key, from]) => from <= since && key.split(' ')[1] === node);
    return [...new Set(keys.map(([key]) => key.split(' ')[2] ?? ''))];
  }

  /** The images that a policy wants on a node for certain, and since when. */
  wishesOf(name: string, node: string): ReadonlyMap<string, number> {
    const start = `${name} ${node} `;
    const wishes = [...this.#wantedSince].filter(([key]) => key.startsWith(start));
    return new Map(wishes.map(([key, since]) => [key.slice(start.length), since]));
  }

  /** True if the policy may want the image on the node, now or if it is valid again. */
  mayWant(node: Node, image: string): boolean {
    return [...this.#policies.values()].some(
      ({ purge, lastValid }) => purge !== 'Yes' && selectedBy(lastValid, node).has(image),
    );
  }

  isPurged(uid: string, since: number): boolean {
    return (this.#purgedSince.get(uid) ?? Number.POSITIVE_INFINITY) <= since;
  }

  isRetained(uid: string, since: number): boolean {
    return (this.#retainedSince.get(uid) ?? Number.POSITIVE_INFINITY) <= since;
  }

  purgeOf(name: string): Purge {
    return this.#policies.get(name)?.purge ?? 'No';
  }

  /**
   * True if a policy of this name may ever have wanted the image on the node: a run goes on with the lists that it began with,
   * also on a node that has other labels since.
   */
  mayHaveWanted(name: string, node: string, image: string): boolean {
    const pools = this.#everPools.get(node) ?? new Set();
    const lists = this.#everLists.get(name) ?? [];
    return lists.some(({ pool, images }) => images.includes(image) && (pool === undefined || pools.has(pool)));
  }

  /** The images that must be gone from all nodes on which no policy wants them any more. */
  removable(): readonly string[] {
    const all = [...this.#everLists].map(([name, lists]) => ({ name, images: lists.flatMap(({ images }) => images) }));
    const left = new Set(all.filter(({ name }) => this.#everRetained.has(name)).flatMap(({ images }) => images));
    return [...new Set(all.flatMap(({ images }) => images))].filter((image) => !left.has(image));
  }

  /** The machine of that name is gone, with all of its images. */
  discard(node: string): void {
    for (const key of this.#wantedSince.keys()) if (key.split(' ')[1] === node) this.#wantedSince.delete(key);
  }

  #note({ name, current, lastValid, isObserved, purge }: Policy, node: Node, wanted: Set<string>): void {
    const isCertain = purge === 'No' && (current !== undefined || isObserved);
    if (isCertain) for (const image of selectedBy(lastValid, node)) wanted.add(`${name} ${node.name} ${image}`);
  }
}

/** The images of the lists that select the node by its labels. */
export function selectedBy(policy: ListPolicy | undefined, { labels }: Pick<Node, 'labels'>): ReadonlySet<string> {
  const selecting = policy?.lists.filter(({ pool }) => pool === undefined || labels.pool === pool) ?? [];
  return new Set(selecting.flatMap(({ images }) => images));
}

export function listsOf({ lists }: ListPolicy): string {
  return JSON.stringify(lists satisfies readonly TestList[]);
}

/** Keeps the instants of the keys that still hold, and begins those of new ones. */
function sync(since: Map<string, number>, holding: ReadonlySet<string>, now: number): void {
  for (const key of since.keys()) if (!holding.has(key)) since.delete(key);
  for (const key of holding) if (!since.has(key)) since.set(key, now);
}
