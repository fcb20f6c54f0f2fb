import fc from 'fast-check';
import { expect, it } from 'vitest';
import { splitReference } from '../../../../contract/images/reference.ts';
import type { Node } from '../../../../scheduler/objects.ts';
import { buildNode, secondsLater } from '../../../helpers/builders.ts';
import { ListScheduler, type Removal } from '../../../helpers/list-scheduler.ts';
import { fixedDigest } from '../../../helpers/node-that-pulls.ts';

const images = ['a:1', 'a:2', 'b:1', 'c:1'].map((name) => `registry.test/team/${name}`);
const nodes = ['node-1', 'node-2'] as const;
const policies = ['one', 'other'] as const;
const hour = 3600;

interface TestList {
  readonly images: readonly string[];
  /** Undefined for all nodes. */
  readonly pool: 'x' | 'y' | undefined;
}
type Step =
  | { readonly kind: 'Edit'; readonly policy: string; readonly lists: readonly TestList[] }
  | { readonly kind: 'Delete' | 'Purge'; readonly policy: string }
  | { readonly kind: 'Relabel'; readonly node: string; readonly pool: 'x' | 'y' }
  | { readonly kind: 'Use' | 'Release'; readonly node: string; readonly image: string }
  | { readonly kind: 'Move'; readonly image: string; readonly version: number }
  | { readonly kind: 'Restart' };

const pool = fc.constantFrom('x' as const, 'y' as const);
const policy = fc.constantFrom(...policies);
const node = fc.constantFrom(...nodes);
const list = fc.record({ images: fc.subarray(images, { minLength: 1 }), pool: fc.option(pool, { nil: undefined }) });
const edit = fc.record({
  kind: fc.constant('Edit' as const),
  policy,
  lists: fc.array(list, { minLength: 1, maxLength: 2 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: edit },
  fc.record({ kind: fc.constantFrom('Delete' as const, 'Purge' as const), policy }),
  fc.record({ kind: fc.constant('Relabel' as const), node, pool }),
  fc.record({
    kind: fc.constantFrom('Use' as const, 'Release' as const),
    node,
    image: fc.constantFrom(...images),
  }),
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('Move' as const),
      image: fc.constantFrom(...images),
      version: fc.nat({ max: 3 }),
    }),
  },
  fc.constant({ kind: 'Restart' as const }),
);

/** The images of a node, as containerd has them: what each tag means, and all images by `repository@digest`. */
class Store {
  readonly tags = new Map<string, string>();
  readonly versions = new Set<string>();
  /** The images that containers use, or have used for the last time. */
  readonly used = new Set<string>();

  pull(image: string, version: string, isRefresh: boolean): void {
    if (!isRefresh && this.tags.has(image)) return;
    this.tags.set(image, version);
    this.versions.add(version);
  }

  /** Removes an image as the cleaner does: one that has a further tag, or is used, stays. */
  remove(reference: string, wanted: ReadonlySet<string>): ReturnType<Removal> {
    const version = this.tags.get(reference) ?? reference;
    if (!this.versions.has(version)) return 'Absent';
    if (this.used.has(version)) return 'InUse';
    const tags = [...this.tags].filter(([, meant]) => meant === version).map(([tag]) => tag);
    if (tags.some((tag) => wanted.has(tag))) return 'Kept:Prepulled';
    if (tags.some((tag) => tag !== reference)) return 'Kept:NotIncluded';
    this.versions.delete(version);
    this.tags.delete(reference);
    return 'Removed';
  }
}

/**
 * A cluster of two nodes that pull and remove what they are asked, with two policies that come and go. The first one pulls its
 * images again at each refresh.
 */
class World extends ListScheduler {
  readonly lists = new Map<string, readonly TestList[]>();
  readonly purged = new Set<string>();
  readonly stores = new Map<string, Store>(nodes.map((name) => [name, new Store()]));
  readonly moves = new Map<string, number>();
  #versions = 1;

  constructor() {
    super([]);
    this.cluster.policies = [];
    this.digestOf = (image) => fixedDigest(`${image} ${this.moves.get(image) ?? 0}`);
    this.cluster.nodes = nodes.map((name) => buildNode(name, { labels: { pool: 'x' } }));
  }

  apply(step: Step): void {
    switch (step.kind) {
      case 'Edit': {
        this.lists.set(step.policy, step.lists);
        this.purged.delete(step.policy);
        const known = this.cluster.policies.find(({ name }) => name === step.policy)?.annotations ?? {};
        const version = String(++this.#versions);
        const document = step.lists.map((entry, index) => ({
          ...documentOf(entry, `list-${index}-${version}`),
          ...(step.policy === 'one' && { imagePullPolicy: 'Always' as const }),
        }));
        this.putPolicy(step.policy, document, {}, version);
        this.annotate(step.policy, known, version);
        return;
      }
      case 'Delete':
        this.lists.delete(step.policy);
        this.purged.delete(step.policy);
        this.deletePolicy(step.policy);
        return;
      case 'Purge':
        if (!this.lists.has(step.policy)) return;
        this.purged.add(step.policy);
        this.annotate(step.policy, { 'nodesweep.io/purge-at': String(++this.#versions) }, String(++this.#versions));
        return;
      case 'Relabel':
        this.join(step.node, { labels: { pool: step.pool } });
        return;
      case 'Use': {
        const version = this.storeOf(step.node).tags.get(step.image);
        if (version !== undefined) this.storeOf(step.node).used.add(version);
        return;
      }
      case 'Release':
        this.storeOf(step.node).used.clear();
        return;
      case 'Move':
        this.moves.set(step.image, step.version);
        return;
      case 'Restart':
        this.restart();
        return;
      default:
        step satisfies never;
    }
  }

  override pull(): void {
    for (const { name, node, kind, phase } of this.cluster.pods.values()) {
      if (kind !== 'puller' || phase !== 'Pending') continue;
      const { spec } = this.cluster.bodies.get(name) as unknown as {
        spec: { containers: { image: string; imagePullPolicy: string }[] };
      };
      for (const { image, imagePullPolicy } of spec.containers)
        this.storeOf(node).pull(image, this.versionOf(image), imagePullPolicy === 'Always');
    }
    super.pull();
  }

  storeOf(node: string): Store {
    return this.stores.get(node) as Store;
  }

  /** The version that a tag means in the registry now. */
  versionOf(image: string): string {
    return `${splitReference(image).repository}@${this.digestOf(image)}`;
  }

  /** Lets the runs of the next hour do their work. Nothing that a list wants may be named to a cleaner. */
  async refresh(at: number): Promise<void> {
    const before = this.cluster.removers.length;
    for (const seconds of [0, 40]) await this.pass(secondsLater(at + seconds));
    await this.finish(at + 50, (reference, node) => this.storeOf(node).remove(reference, this.wantedOn(node)));
    for (const { node, due } of this.cluster.removers.slice(before)) {
      const wanted = this.wantedOn(node);
      expect(due.filter((image) => wanted.has(image))).toEqual([]);
    }
  }

  wantedOn(name: string): ReadonlySet<string> {
    const { labels } = this.cluster.nodes.find((node) => node.name === name) as Node;
    const wanting = [...this.lists].filter(([policy]) => !this.purged.has(policy)).flatMap(([, lists]) => lists);
    return new Set(wanting.filter(({ pool }) => pool === undefined || pool === labels.pool).flatMap((l) => l.images));
  }
}

function documentOf({ images, pool }: TestList, name: string) {
  return { name, images: [...images], ...(pool && { nodes: { matchLabels: { pool } } }) };
}

it('through any history of edits, relabelled nodes, moved tags, deletions, purges and restarts, no cleaner is told what a list wants, and what left all lists goes, with the versions before (P8, P12, P13, P14, P15)', async () => {
  const history = fc.array(step, { minLength: 4, maxLength: 9 });
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const world = new World();
      let hours = 1;
      for (const next of steps) {
        world.apply(next);
        await world.refresh(hours * hour);
        hours += 1;
      }
      for (const { used } of world.stores.values()) used.clear();
      for (let later = 0; later < 2; later += 1) await world.refresh((hours + later) * hour);
      for (const [name, { tags, versions }] of world.stores) {
        expect(new Set(tags.keys())).toEqual(world.wantedOn(name));
        expect(versions).toEqual(new Set(tags.values()));
      }
    }),
    { numRuns: 8 },
  );
}, 1_800_000);
