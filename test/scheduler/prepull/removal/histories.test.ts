import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Node } from '../../../../scheduler/objects.ts';
import { buildNode, secondsLater } from '../../../helpers/builders.ts';
import { ListScheduler } from '../../../helpers/list-scheduler.ts';

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
  fc.constant({ kind: 'Restart' as const }),
);

/** A cluster of two nodes that pull and remove what they are asked, with two policies that come and go. */
class World extends ListScheduler {
  readonly lists = new Map<string, readonly TestList[]>();
  readonly purged = new Set<string>();
  readonly present = new Map<string, Set<string>>(nodes.map((name) => [name, new Set()]));
  readonly used = new Set<string>();
  #versions = 1;

  constructor() {
    super([]);
    this.cluster.policies = [];
    this.cluster.nodes = nodes.map((name) => buildNode(name, { labels: { pool: 'x' } }));
  }

  apply(step: Step): void {
    switch (step.kind) {
      case 'Edit': {
        this.lists.set(step.policy, step.lists);
        this.purged.delete(step.policy);
        const known = this.cluster.policies.find(({ name }) => name === step.policy)?.annotations ?? {};
        const version = String(++this.#versions);
        const document = step.lists.map((entry, index) => documentOf(entry, `list-${index}-${version}`));
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
      case 'Use':
        if (this.present.get(step.node)?.has(step.image)) this.used.add(`${step.node} ${step.image}`);
        return;
      case 'Release':
        this.used.delete(`${step.node} ${step.image}`);
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
      const { spec } = this.cluster.bodies.get(name) as unknown as { spec: { containers: { image: string }[] } };
      for (const { image } of spec.containers) this.present.get(node)?.add(image);
    }
    super.pull();
  }

  /** Lets the runs of the next hour do their work. Nothing that a list wants may be named to a cleaner. */
  async refresh(at: number): Promise<void> {
    const before = this.cluster.removers.length;
    for (const seconds of [0, 40]) await this.pass(secondsLater(at + seconds));
    await this.finish(at + 50, (image, node) => {
      if (this.used.has(`${node} ${image}`)) return 'InUse';
      return this.present.get(node)?.delete(image) === true ? 'Removed' : 'Absent';
    });
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

it('through any history of edits, relabelled nodes, deletions, purges and restarts, no cleaner is told what a list wants, and what left all lists goes (P12, P13, P14, P15)', async () => {
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
      world.used.clear();
      for (let later = 0; later < 2; later += 1) await world.refresh((hours + later) * hour);
      for (const name of nodes) expect(world.present.get(name)).toEqual(world.wantedOn(name));
    }),
    { numRuns: 8 },
  );
}, 300_000);
