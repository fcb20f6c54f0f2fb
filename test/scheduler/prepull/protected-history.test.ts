import fc from 'fast-check';
import { expect, it } from 'vitest';
import { makePlan } from '../../../cleaner/plan/plan.ts';
import type { PolicyObject } from '../../../scheduler/objects.ts';
import { buildNode, buildPolicyObject, secondsLater, start } from '../../helpers/builders.ts';
import { buildFacts, buildImage } from '../../helpers/inventory.ts';
import { buildListObject } from '../../helpers/prepull.ts';
import { ManualScheduler } from '../../helpers/reconcile.ts';

const images = ['a', 'b', 'c', 'd'].map((name) => `docker.io/acme/${name}:1`);
const nodes = [buildNode('n', { labels: { pool: 'ci' } }), buildNode('m', { labels: {}, unschedulable: true })];

/** A list of a policy: its images, and if it selects all nodes or only those of the pool. */
interface List {
  readonly images: readonly string[];
  readonly isForPool: boolean;
}

/** A change of a policy, which a scheduler sees: a new one after a restart. */
interface Change {
  readonly policy: 'one' | 'two';
  readonly document: readonly List[] | 'Invalid' | 'Deleted';
  readonly suspend: boolean;
  readonly isRestarted: boolean;
}

const list = fc.record({ images: fc.subarray(images, { minLength: 1 }), isForPool: fc.boolean() });
const change: fc.Arbitrary<Change> = fc.record({
  policy: fc.constantFrom('one', 'two'),
  document: fc.oneof(
    { weight: 3, arbitrary: fc.array(list, { minLength: 1, maxLength: 3 }) },
    { weight: 2, arbitrary: fc.constant('Invalid' as const) },
    fc.constant('Deleted' as const),
  ),
  suspend: fc.boolean(),
  isRestarted: fc.boolean(),
});

/** Plays the changes, and then a run of a cleanup policy that includes all images. */
async function play(changes: readonly Change[]): Promise<ManualScheduler> {
  const scheduler = new ManualScheduler();
  const { cluster } = scheduler;
  cluster.nodes = [...nodes];
  const policies = new Map<string, PolicyObject>([['nightly', buildPolicyObject()]]);
  for (const [index, { policy, document, suspend, isRestarted }] of changes.entries()) {
    if (isRestarted) scheduler.restart();
    const before = policies.get(policy);
    policies.delete(policy);
    if (document === 'Deleted') cluster.statusTexts.delete(policy);
    else {
      const uid = before?.uid ?? `uid-${index}`;
      const object = { name: policy, uid, resourceVersion: String(index + 2) };
      policies.set(policy, buildListObject({ suspend, lists: listsOf(document) }, object));
    }
    cluster.policies = [...policies.values()];
    await scheduler.pass(secondsLater(index - 1_000));
  }
  await scheduler.pass(start);
  return scheduler;
}

function listsOf(document: readonly List[] | 'Invalid'): object[] {
  if (document === 'Invalid') return [{ name: 'broken', images: ['acme/a:*'] }];
  return document.map(({ images: wanted, isForPool }, index) => ({
    name: `l${index}`,
    images: wanted,
    ...(isForPool && { nodes: { matchLabels: { pool: 'ci' } } }),
  }));
}

/** The images that must stay on a node: those of the last valid lists of each policy since it was created. */
function findWanted(changes: readonly Change[], { labels }: (typeof nodes)[number]): ReadonlySet<string> {
  const lists = ['one', 'two'].flatMap((policy) => {
    const own = changes.filter((candidate) => candidate.policy === policy).map(({ document }) => document);
    const current = own.slice(own.lastIndexOf('Deleted') + 1);
    return current.findLast((document) => typeof document !== 'string') ?? [];
  });
  const wanting = lists.filter(({ isForPool }) => !isForPool || labels.pool === 'ci');
  return new Set(wanting.flatMap((entry) => entry.images));
}

it('a cleaner keeps exactly the last valid lists, after any changes and restarts (P11)', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 6 }), async (changes) => {
      const { cluster } = await play(changes);
      for (const node of nodes) {
        const [name = ''] = [...cluster.pods.values()].filter((pod) => pod.node === node.name).map((pod) => pod.name);
        const prepulledReferences = [...(cluster.told.get(name)?.prepulled ?? [])];
        const facts = buildFacts({
          job: { prepulledReferences },
          inventory: { images: images.map((i) => buildImage(i)) },
        });
        const { kept, removals } = makePlan(facts);
        const wanted = findWanted(changes, node);
        expect(new Set(kept.map(({ image }) => image.names[0]))).toEqual(wanted);
        expect(removals).toHaveLength(images.length - wanted.size);
      }
    }),
    { numRuns: 40 },
  );
}, 60_000);
