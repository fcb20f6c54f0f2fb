import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Applied,
  isWorthTrying,
  toRemove,
  withMachines,
  withOnlyWanted,
  withoutRemoved,
  withoutSetAside,
  withPresentNodes,
  withSetAside,
  withVersions,
  withWanted,
} from '../../../../scheduler/prepull/removal/applied.ts';
import { decodeApplied, encodeApplied } from '../../../../scheduler/prepull/removal/applied-codec.ts';

const digest = `sha256:${'a1'.repeat(32)}`;
const nodes = ['node-1', 'node-2', 'node-3'] as const;
const images = ['a:1', 'a:2', 'b:1', 'b:2', 'c:1'].map((name) => `registry.example.com/team/${name}`);
const foreign = 'registry.example.com/somebody/else:1';
const policyNames = ['one', 'other'] as const;

type PolicyName = (typeof policyNames)[number];
type NodeName = (typeof nodes)[number];

/** A policy with one list for all nodes of a pool. */
interface TestPolicy {
  readonly images: readonly string[];
  readonly pool: 'x' | 'y' | 'all';
  readonly removalPolicy: 'Delete' | 'Retain';
  /** A policy that is deleted or purged wants nothing. */
  readonly isGone: boolean;
}

/** The moment at which the scheduler dies in a run; its memory is lost then. */
type Crash = 'Never' | 'AfterWrite' | 'AfterPull' | 'AfterRemoval';

type Step =
  | { readonly kind: 'Edit'; readonly policy: PolicyName; readonly to: TestPolicy }
  | { readonly kind: 'Relabel'; readonly node: NodeName; readonly pool: 'x' | 'y' }
  | { readonly kind: 'Use' | 'Release'; readonly node: NodeName; readonly image: string }
  | { readonly kind: 'Run'; readonly policy: PolicyName; readonly crash: Crash };

const testPolicy: fc.Arbitrary<TestPolicy> = fc.record({
  images: fc.subarray(images),
  pool: fc.constantFrom('x', 'y', 'all'),
  removalPolicy: fc.constantFrom('Delete', 'Delete', 'Retain'),
  isGone: fc.nat(4).map((drawn) => drawn === 0),
});
const policyName = fc.constantFrom(...policyNames);
const nodeName = fc.constantFrom(...nodes);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('Edit' as const), policy: policyName, to: testPolicy }),
  fc.record({
    kind: fc.constant('Relabel' as const),
    node: nodeName,
    pool: fc.constantFrom('x' as const, 'y' as const),
  }),
  fc.record({
    kind: fc.constantFrom('Use' as const, 'Release' as const),
    node: nodeName,
    image: fc.constantFrom(...images),
  }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('Run' as const),
      policy: policyName,
      crash: fc.constantFrom<Crash>('Never', 'Never', 'Never', 'AfterWrite', 'AfterPull', 'AfterRemoval'),
    }),
  },
);
const histories = fc.array(step, { maxLength: 40 });
const nothing: TestPolicy = { images: [], pool: 'all', removalPolicy: 'Delete', isGone: true };

/** A cluster with two policies, of which each node has the images that runs pulled, and one of somebody else. */
class World {
  readonly policies = new Map<PolicyName, TestPolicy>(policyNames.map((name) => [name, nothing]));
  readonly applied = new Map<PolicyName, Applied>(policyNames.map((name) => [name, new Map()]));
  readonly pools = new Map<NodeName, 'x' | 'y'>(nodes.map((name) => [name, 'x']));
  readonly present = new Map<NodeName, Set<string>>(nodes.map((name) => [name, new Set([foreign])]));
  readonly used = new Map<NodeName, Set<string>>(nodes.map((name) => [name, new Set()]));
  /** The number of the steps that changed what is stored. */
  writes = 0;
  removals: string[] = [];

  play(step: Step): void {
    switch (step.kind) {
      case 'Edit':
        this.policies.set(step.policy, step.to);
        return;
      case 'Relabel':
        this.pools.set(step.node, step.pool);
        return;
      case 'Use':
        if (this.present.get(step.node)?.has(step.image)) this.used.get(step.node)?.add(step.image);
        return;
      case 'Release':
        this.used.get(step.node)?.delete(step.image);
        return;
      case 'Run':
        this.run(step.policy, step.crash);
        return;
      default:
        step satisfies never;
    }
  }

  wantedOn(node: NodeName, policy: TestPolicy): readonly string[] {
    const isSelected = policy.pool === 'all' || policy.pool === this.pools.get(node);
    return !policy.isGone && isSelected ? policy.images : [];
  }

  wantedByAny(node: NodeName): readonly string[] {
    return [...this.policies.values()].flatMap((policy) => this.wantedOn(node, policy));
  }

  run(name: PolicyName, crash: Crash = 'Never'): void {
    const policy = this.policies.get(name) ?? nothing;
    const wanted = new Map(nodes.map((node) => [node, this.wantedOn(node, policy)]));
    this.#store(name, withWanted(this.#read(name), wanted));
    if (crash === 'AfterWrite') return;
    for (const [node, references] of wanted) for (const image of references) this.present.get(node)?.add(image);
    if (crash === 'AfterPull') return;
    const gone = new Map(nodes.map((node) => [node, this.#remove(name, node, policy)]));
    if (crash === 'AfterRemoval') return;
    const left = withoutRemoved(this.#read(name), gone);
    this.#store(name, policy.removalPolicy === 'Retain' ? withOnlyWanted(left, wanted) : left);
  }

  /** Removes as a cleaner does, and returns the references that are known to be gone. */
  #remove(name: PolicyName, node: NodeName, { removalPolicy }: TestPolicy): readonly string[] {
    const wanted = this.wantedByAny(node);
    const references = toRemove(this.#read(name), node, wanted, removalPolicy);
    expect(references.filter((reference) => wanted.includes(reference))).toEqual([]);
    const gone = references.filter((reference) => !this.used.get(node)?.has(reference));
    this.removals.push(...gone.map((reference) => `${node} ${reference}`));
    for (const reference of gone) this.present.get(node)?.delete(reference);
    return gone;
  }

  #read(name: PolicyName): Applied {
    return this.applied.get(name) ?? new Map();
  }

  /** Stores as in a ConfigMap, so that only what the codec keeps is known later. */
  #store(name: PolicyName, next: Applied): void {
    if (next === this.#read(name)) return;
    this.writes += 1;
    const restored = decodeApplied(encodeApplied(next).data);
    expect(restored).toEqual(next);
    this.applied.set(name, restored);
  }
}

function play(history: readonly Step[]): World {
  const world = new World();
  for (const one of history) world.play(one);
  return world;
}

const runAll = (world: World) => {
  for (const name of policyNames) world.run(name);
};
const thorough = { numRuns: 500 };

describe('through any history of edits, relabelled nodes, deletions, purges and crashes', () => {
  it('nothing goes that a list wants on the node, and what nobody put there stays (P12, P13)', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const world = play(history);
        for (const node of nodes) expect(world.present.get(node)).toContain(foreign);
      }),
      thorough,
    );
  });

  it('what left all lists is gone after the next runs unless it is used, and goes then (P12, P14, P15)', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const deleting = history.map((one) =>
          one.kind === 'Edit' ? { ...one, to: { ...one.to, removalPolicy: 'Delete' as const } } : one,
        );
        const world = play(deleting);
        runAll(world);
        for (const node of nodes) {
          const unwanted = world.present.get(node)?.difference(new Set([foreign, ...world.wantedByAny(node)]));
          expect([...(unwanted ?? [])].filter((image) => !world.used.get(node)?.has(image))).toEqual([]);
          world.used.get(node)?.clear();
        }
        runAll(world);
        for (const node of nodes) {
          expect(world.present.get(node)).toEqual(new Set([foreign, ...world.wantedByAny(node)]));
        }
      }),
      thorough,
    );
  });

  it('Retain removes nothing, and forgets what left the lists (P14)', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const retaining = history.map((one) =>
          one.kind === 'Edit' ? { ...one, to: { ...one.to, removalPolicy: 'Retain' as const } } : one,
        );
        // A policy that never was is not one that retains.
        const world = new World();
        for (const name of policyNames) world.policies.set(name, { ...nothing, removalPolicy: 'Retain' });
        for (const one of retaining) world.play(one);
        runAll(world);
        expect(world.removals).toEqual([]);
        for (const name of policyNames) {
          const policy = world.policies.get(name) ?? nothing;
          for (const node of nodes) {
            const known = world.applied.get(name)?.get(node)?.references ?? [];
            expect(known).toEqual(world.wantedOn(node, policy).toSorted());
          }
        }
      }),
      thorough,
    );
  });

  it('runs without a change remove and write nothing (P12)', () => {
    fc.assert(
      fc.property(histories, (history) => {
        const world = play(history);
        runAll(world);
        runAll(world);
        const { writes } = world;
        world.removals = [];
        runAll(world);
        expect(world).toMatchObject({ writes, removals: [] });
      }),
      thorough,
    );
  });
});

describe('of the images applied to a node', () => {
  const applied: Applied = new Map([['node-1', { references: ['a.io/app:1', `a.io/app@${digest}`] }]]);

  it('none is removed that another reference with its digest or its tag wants (P13)', () => {
    const remove = (...wanted: string[]) => toRemove(applied, 'node-1', wanted, 'Delete');
    expect(remove()).toEqual(['a.io/app:1', `a.io/app@${digest}`]);
    expect(remove(`b.io/other@${digest}`)).toEqual(['a.io/app:1']);
    expect(remove(`a.io/app:1@${digest}`)).toEqual([]);
    expect(remove('a.io/app:2', 'b.io/app:1')).toEqual(['a.io/app:1', `a.io/app@${digest}`]);
  });

  it('none is removed from another node', () => {
    expect(toRemove(applied, 'node-2', [], 'Delete')).toEqual([]);
  });
});

describe('a node that is missing in the cluster', () => {
  const applied: Applied = new Map(nodes.map((name) => [name, { references: [...images] }]));
  const machines = new Map<string, string>();
  const hourMs = 3_600_000;
  const at = (hours: number) => new Date(hours * hourMs);
  const see = (before: Applied, present: readonly string[], hours: number) =>
    withPresentNodes(before, new Map(present.map((name) => [name, machines.get(name)])), {
      now: at(hours),
      forgetAfterMs: 24 * hourMs,
    });

  it('is known for the given time, counted from its first absence, and then forgotten', () => {
    const gone = see(applied, ['node-1', 'node-2'], 1);
    expect(gone.get('node-3')).toEqual({ references: images, missingSince: at(1) });
    expect(see(gone, ['node-1', 'node-2'], 25)).toBe(gone);
    expect([...see(gone, ['node-1', 'node-2'], 25.1).keys()]).toEqual(['node-1', 'node-2']);
  });

  it('that comes back has the images that it had', () => {
    const back = see(see(applied, ['node-1'], 1), [...nodes], 2);
    expect(back).toEqual(applied);
  });

  it('changes nothing while all are there', () => {
    expect(see(applied, [...nodes, 'node-4'], 1)).toBe(applied);
  });

  it('that comes back as another machine has no image of ours, whatever was on account under its name (P12)', () => {
    const known = withMachines(applied, new Map(nodes.map((name) => [name, `old-${name}`])));
    machines.set('node-1', 'new').set('node-2', 'old-node-2');
    const back = see(see(known, ['node-2'], 1), [...nodes], 2);
    expect(back).toEqual(new Map([...known].filter(([name]) => name !== 'node-1')));
    expect(see(applied, [...nodes], 1)).toBe(applied);
    expect(withMachines(known, machines)).toBe(known);
    machines.clear();
  });
});

describe('the versions of moved tags (P8)', () => {
  const version = (repository: string, number: number) =>
    `registry.example.com/${repository}@sha256:${String(number).padStart(64, '0')}`;
  const add = (applied: Applied, ...versions: string[]) => withVersions(applied, new Map([['node-1', versions]]));

  it('come in once, are to be removed unless wanted, and go when they are removed', () => {
    const once = add(new Map(), version('a', 1), version('b', 1));
    expect(add(once, version('b', 1))).toBe(once);
    expect(toRemove(once, 'node-1', [], 'Delete')).toEqual([version('a', 1), version('b', 1)]);
    expect(toRemove(once, 'node-1', [version('other', 1)], 'Delete')).toEqual([]);
    expect(toRemove(once, 'node-1', [], 'Retain')).toEqual([]);
    const left = withoutRemoved(once, new Map([['node-1', [version('a', 1)]]]));
    expect(left.get('node-1')).toEqual({ references: [], versions: [version('b', 1)] });
    expect(withoutRemoved(left, new Map([['node-1', [version('b', 1)]]])).size).toBe(0);
    expect(withOnlyWanted(once, new Map()).size).toBe(0);
  });

  it('that stay for ever are bounded, and the oldest are forgotten first', () => {
    let applied = add(new Map(), version('b', 0));
    for (let move = 1; move <= 30; move += 1) applied = add(applied, version('a', move));
    const versions = applied.get('node-1')?.versions ?? [];
    expect(versions).toEqual([version('b', 0), ...Array.from({ length: 20 }, (_, index) => version('a', 11 + index))]);
  });
});

describe('references that a node has kept (P12)', () => {
  const [first, second] = [images[0] ?? '', images[1] ?? ''];
  const until = new Date(1_000);
  const kept = withSetAside(
    withWanted(new Map(), new Map([['node-1', [first, second]]])),
    new Map([['node-1', [first, 'unknown:1']]]),
    until,
  );
  const node = kept.get('node-1') ?? { references: [] };

  it('are worth a pod again after a while, and before only beside others', () => {
    expect(node).toEqual({ references: [first, second], setAside: { until, references: [first] } });
    expect(isWorthTrying(node, [first], new Date(999))).toBe(false);
    expect(isWorthTrying(node, [first], until)).toBe(true);
    expect(isWorthTrying(node, [first, second], new Date(999))).toBe(true);
    expect(isWorthTrying(node, [], until)).toBe(false);
  });

  it('are worth a pod at once after an edit', () => {
    const reset = withoutSetAside(kept);
    expect(reset.get('node-1')).toEqual({ references: [first, second] });
    expect(withoutSetAside(reset)).toBe(reset);
  });
});
