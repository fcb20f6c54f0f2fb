import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { RunPod } from '../../../scheduler/objects.ts';
import { hasStopped } from '../../../scheduler/pods/state.ts';
import { wantedOn } from '../../../scheduler/prepull/wanted.ts';
import { isFinished } from '../../../scheduler/run/run.ts';
import { secondsLater } from '../../helpers/builders.ts';
import { ListScheduler } from '../../helpers/list-scheduler.ts';
import { askedOf, pullOn, refuseOn } from '../../helpers/node-that-pulls.ts';
import { buildPrepull } from '../../helpers/prepull.ts';
import { state } from '../../helpers/pullers.ts';

const lists = [
  { name: 'base', images: ['one.test/acme/a:1', 'one.test/acme/b:1', 'two.test/acme/c:1'] },
  {
    name: 'pool',
    images: ['two.test/acme/d:1'],
    nodes: { matchLabels: { pool: 'x' } },
    imagePullSecrets: [{ name: 'reg' }],
  },
];
const options = { imagePullTimeoutSeconds: 10, activeDeadlineSeconds: 120, ttlSecondsAfterFinished: 30 };
const perRegistry = 2;
const rollout = { parallelism: '100%', perRegistry };

const nodeNames = ['a', 'b', 'c', 'd', 'e'];
const anyAction = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('Pull'), node: fc.constantFrom(...nodeNames) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('Deny', 'Evict', 'Delete', 'Refuse'),
      node: fc.constantFrom(...nodeNames),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('Join', 'JoinPool', 'Leave', 'NotReady'),
      node: fc.constantFrom(...nodeNames),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('Restart'), node: fc.constant('a') }) },
);

type Action = { readonly kind: string; readonly node: string };

/** The kubelets and the people of a cluster, who do what a test says. */
class World extends ListScheduler {
  seconds = 0;

  constructor() {
    super(lists, { ...options, rollout });
    const { cluster } = this;
    const remove = cluster.deletePod.bind(cluster);
    // A pod that runs is terminating for a while.
    cluster.deletePod = async (name) => {
      const pod = cluster.pods.get(name);
      if (pod === undefined || hasStopped(pod)) return remove(name);
      cluster.pods.set(name, { ...pod, deletionTimestamp: pod.deletionTimestamp ?? cluster.now });
    };
  }

  act({ kind, node }: Action): void {
    const pod = [...this.cluster.pods.values()].findLast((candidate) => candidate.node === node);
    const createdAt = secondsLater(this.seconds);
    if (kind === 'Join') this.join(node, { createdAt });
    else if (kind === 'JoinPool') this.join(node, { labels: { pool: 'x' }, createdAt });
    else if (kind === 'NotReady') this.join(node, { ready: false, readySince: createdAt });
    else if (kind === 'Leave') this.leave(node);
    else if (kind === 'Restart') this.restart();
    else if (pod !== undefined && !hasStopped(pod)) this.actOn(kind, pod);
  }

  actOn(kind: string, pod: RunPod): void {
    const { cluster } = this;
    if (kind === 'Pull') pullOn(cluster, pod.node);
    if (kind === 'Deny') pullOn(cluster, pod.node, { 'one.test/acme/b:1': state.denied });
    if (kind === 'Refuse') refuseOn(cluster, pod.node);
    if (kind === 'Evict')
      cluster.pods.set(pod.name, { ...pod, phase: 'Failed', reason: 'Evicted', message: 'low on disk' });
    if (kind === 'Delete') cluster.pods.delete(pod.name);
  }

  leave(node: string): void {
    this.cluster.nodes = this.cluster.nodes.filter(({ name }) => name !== node);
    for (const { name, node: on } of [...this.cluster.pods.values()]) if (on === node) this.cluster.pods.delete(name);
  }

  async step(): Promise<void> {
    this.seconds += 5;
    for (const { name, deletionTimestamp } of [...this.cluster.pods.values()])
      if (deletionTimestamp !== undefined && deletionTimestamp < secondsLater(this.seconds - 5))
        this.cluster.pods.delete(name);
    await this.pass(secondsLater(this.seconds));
    this.expectBounds();
  }

  /** Never two active pods on a node, and never more nodes at a registry than allowed. */
  expectBounds(): void {
    const active = [...this.cluster.pods.values()].filter((pod) => !hasStopped(pod));
    expect(new Set(active.map(({ node }) => node)).size).toBe(active.length);
    const ready = active.filter(({ node }) => this.cluster.nodes.some(({ name, ready }) => name === node && ready));
    const users = ready.filter(({ node }) =>
      askedOf(this.cluster, node).images?.some((image) => image?.startsWith('one.')),
    );
    expect(users.length).toBeLessThanOrEqual(perRegistry);
  }

  /** All nodes are ready, and each pod pulls what it should, until nothing changes any more. */
  async calmDown(seconds: number): Promise<void> {
    for (const { name, labels, ready, createdAt } of this.cluster.nodes)
      if (!ready) this.join(name, { labels, ready: true, createdAt });
    for (let waited = 0; waited < seconds; waited += 5) {
      for (const pod of [...this.cluster.pods.values()]) if (!hasStopped(pod)) this.actOn('Pull', pod);
      await this.step();
    }
  }
}

it('whatever nodes, pods and schedulers do, limits hold, runs end, and when all is well each node holds its images (P2, P7, P9, P10, P18, P19)', {
  timeout: 1_800_000,
}, async () => {
  const policy = buildPrepull(lists, { ...options });
  await fc.assert(
    fc.asyncProperty(fc.array(anyAction, { minLength: 5, maxLength: 30 }), async (actions) => {
      const world = new World();
      for (const action of actions) {
        world.act(action);
        await world.step();
      }
      await world.calmDown(300);
      expect(world.runs().every(isFinished)).toBe(true);
      const [object] = world.cluster.policies;
      if (object !== undefined) world.cluster.policies = [{ ...object, annotations: { 'nodesweep.io/run-at': 'now' } }];
      await world.calmDown(100);
      const created = world.cluster.writes.filter((write) => write.startsWith('createPod')).length;
      await world.calmDown(60);
      expect(world.cluster.writes.filter((write) => write.startsWith('createPod'))).toHaveLength(created);
      if (world.cluster.nodes.length > 0) expect(world.lastRun()).toMatchObject({ phase: 'Succeeded' });
      for (const node of world.cluster.nodes) {
        const pods = [...world.cluster.pods.values()].filter((pod) => pod.node === node.name);
        const held = pods.flatMap(({ containers = [] }) => containers.map(({ name }) => name));
        const wanted = wantedOn(node, policy).map(({ index }) => `image-${index}`);
        expect(held).toEqual(expect.arrayContaining(wanted));
        expect(pods.every(hasStopped)).toBe(true);
      }
    }),
    { numRuns: Number(process.env.LIST_RUNS ?? 5) },
  );
});
