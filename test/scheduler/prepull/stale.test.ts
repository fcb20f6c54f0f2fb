import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContainerState } from '../../../scheduler/objects.ts';
import type { PrepullDocument, PrepullPolicy } from '../../../scheduler/prepull/policy.ts';
import { readImages } from '../../../scheduler/prepull/states/images-of-pod.ts';
import type { Tally } from '../../../scheduler/prepull/tally.ts';
import { imagesOf } from '../../../scheduler/prepull/wanted.ts';
import { isFinished, type Run } from '../../../scheduler/run/run.ts';
import { buildNode, secondsLater } from '../../helpers/builders.ts';
import { Killed } from '../../helpers/fake-cluster.ts';
import { ListScheduler } from '../../helpers/list-scheduler.ts';
import { askedOf, fixedDigest, type Trouble } from '../../helpers/node-that-pulls.ts';
import { state } from '../../helpers/pullers.ts';

const [api, db, web] = ['registry.test/acme/api:1', 'registry.test/acme/db:1', 'other.test/acme/web:1'] as const;
const list = { name: 'base', images: [api, db, web], imagePullPolicy: 'Always' as const };
const options = { imagePullTimeoutSeconds: 10, ttlSecondsAfterFinished: 0 };
const down: Trouble = { [api]: state.unreachable, [db]: state.unreachable };
const hour = 3600;

/** A scheduler that has given three images to a node, whose store is `stored`. */
class World extends ListScheduler {
  readonly stored = new Set<string>();

  constructor(document: Partial<PrepullDocument> = {}) {
    super([list], { ...options, ...document });
    this.cluster.nodes = [buildNode('a')];
  }

  /** Lets a run do its work: pods that may pull meet the troubles, and pods that may not find what is stored. */
  async refresh(at: number, trouble: Trouble = {}, never: ContainerState = state.absent): Promise<void> {
    for (let later = 0; later < 400; later += 5) {
      await this.pass(secondsLater(at + later));
      if (later > 0 && this.runs().every(isFinished)) break;
      this.answer(trouble, never);
      this.clean();
    }
    await this.pass(secondsLater(at + 500));
    await this.pass(secondsLater(at + 600));
  }

  answer(trouble: Trouble, never: ContainerState): void {
    for (const { node, phase, kind } of [...this.cluster.pods.values()]) {
      if (phase !== 'Pending' || kind !== 'puller') continue;
      const { images = [], policies } = askedOf(this.cluster, node);
      const missing = images.flatMap((image) => (image && !this.stored.has(image) ? [[image, never] as const] : []));
      const pulls = policies.includes('Never') ? Object.fromEntries(missing) : trouble;
      for (const image of images) if (image && pulls[image] === undefined) this.stored.add(image);
      this.pull(pulls);
    }
  }

  /** The images that each held pod keeps, the oldest pod first. */
  holders(): readonly (readonly string[])[] {
    const runs = new Map(this.runs().map((run) => [run.name, run]));
    return [...this.cluster.pods.values()]
      .filter(({ kind, phase }) => kind === 'puller' && phase === 'Succeeded')
      .map((pod) => {
        const images = imagesOf((runs.get(pod.run) as Run).spec as PrepullPolicy);
        return [...readImages(pod)].flatMap(([index, { state }]) => (state === 'Present' ? (images[index] ?? []) : []));
      });
  }

  states(): Readonly<Record<string, string>> {
    const run = this.lastRun() as Run;
    const progress = run.nodes.get('a');
    const tally = progress?.state === 'Settled' ? (progress.tally as Tally | undefined) : undefined;
    const images = imagesOf(run.spec as PrepullPolicy);
    return Object.fromEntries([...(tally?.images ?? [])].map(([index, { state }]) => [images[index] ?? '', state]));
  }
}

async function supplied(document: Partial<PrepullDocument> = {}): Promise<World> {
  const world = new World(document);
  await world.refresh(0);
  expect(world.holders()).toEqual([[web, api, db]]);
  return world;
}

describe('images whose registry is down at the refresh (P8)', () => {
  it('are stale and not failed, the run is no success, and a new pod holds them in place of the older one (P7, P10)', async () => {
    const world = await supplied();
    await world.refresh(hour, down);
    expect(world.states()).toEqual({ [api]: 'Stale', [db]: 'Stale', [web]: 'Present' });
    expect(world.lastRun()).toMatchObject({ phase: 'Failed', reason: 'NodesFailed' });
    expect(world.lastRun()?.nodes.get('a')).toMatchObject({
      result: 'Failed',
      reason: 'ImagesStale',
      message: expect.stringMatching(
        /^2 of 3 images could not be pulled again, and may be outdated on the node: .*api:1: RegistryUnavailable: dial tcp/,
      ),
    });
    expect(world.cluster.events.at(-1)?.message).toContain('1 of 3 images present, 2 stale');
    expect(world.holders()).toEqual([[web, api, db]]);
    expect(world.pods()).toHaveLength(1);
    await world.refresh(2 * hour);
    expect(world.states()).toEqual({ [api]: 'Present', [db]: 'Present', [web]: 'Present' });
    expect(world.pods()).toHaveLength(1);
  });

  it('are stale also if the policy holds no pods', async () => {
    const world = new World({ hold: false });
    await world.refresh(0);
    await world.refresh(hour, down);
    expect(world.states()).toEqual({ [api]: 'Stale', [db]: 'Stale', [web]: 'Present' });
    expect(world.pods()).toEqual([]);
  });

  it('keep what their tags meant before, and what has left the lists, until the registry is back', async () => {
    const world = await supplied();
    world.digestOf = (image) => fixedDigest(image === web ? `${image} moved` : image);
    world.putLists([{ ...list, images: [api, web] }], options, '2');
    await world.refresh(hour, down);
    expect(world.removals()).toEqual([]);
    expect(world.states()).toEqual({ [api]: 'Stale', [web]: 'Present' });
    await world.refresh(2 * hour);
    expect(world.removals()).toEqual([`a: ${db} ${web.replace(':1', '')}@${fixedDigest(web)}`]);
  });

  it('have failed if the node does not have them any more, and no pod waits for them', async () => {
    const world = await supplied();
    world.stored.delete(api);
    await world.refresh(hour, down);
    expect(world.states()).toEqual({ [api]: 'Failed', [db]: 'Stale', [web]: 'Present' });
    expect(world.lastRun()?.nodes.get('a')).toMatchObject({
      reason: 'RegistryUnavailable',
      message: expect.stringMatching(/^1 of 3 images are missing: .*api:1: RegistryUnavailable/),
    });
    expect(world.holders()).toEqual([[web, db]]);
    expect(world.pods()).toHaveLength(1);
  });

  it('have failed at the first run, without a pod that looks for them', async () => {
    const world = new World();
    await world.refresh(0, down);
    expect(world.states()).toEqual({ [api]: 'Failed', [db]: 'Failed', [web]: 'Present' });
    expect(world.cluster.writes.filter((write) => write.startsWith('createPod'))).toHaveLength(2);
  });
});

describe('an older pod (P10)', () => {
  it('stays while the node refuses an image to the new pod, and goes at the first refresh that holds all', async () => {
    const world = await supplied();
    world.stored.delete(api);
    await world.refresh(hour, { [api]: state.denied }, state.refused);
    expect(world.states()).toEqual({ [api]: 'Failed', [db]: 'Present', [web]: 'Present' });
    expect(world.holders()).toEqual([
      [web, api, db],
      [web, db],
    ]);
    await world.refresh(2 * hour, { [api]: state.denied }, state.refused);
    expect(world.pods()).toHaveLength(2);
    await world.refresh(3 * hour);
    expect(world.holders()).toEqual([[web, api, db]]);
  });

  it('stays after a run that was cut off before it had looked for all images', async () => {
    const world = await supplied({ activeDeadlineSeconds: 15 });
    await world.refresh(hour, down);
    expect(world.lastRun()).toMatchObject({ reason: 'DeadlineExceeded' });
    expect(world.holders()).toEqual([[web, api, db]]);
  });
});

it('through any history of registries that are down and images that go, each wanted image on the node is held, by few pods (P8, P10)', async () => {
  const trouble = fc.constantFrom(undefined, state.unreachable, state.denied, state.wrongPlatform);
  const step = fc.record({
    troubles: fc.tuple(trouble, trouble, trouble),
    lost: fc.subarray([api, db, web], { maxLength: 1 }),
    never: fc.constantFrom(state.absent, state.refused),
    isRestarted: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 5 }), async (steps) => {
      const world = new World();
      let hours = 0;
      for (const { troubles, lost, never, isRestarted } of steps) {
        const failing = [api, db, web].flatMap((image, index) => {
          const container = troubles[index];
          return container === undefined ? [] : [[image, container] as const];
        });
        // Only an eviction takes an image that is held. Then the kubelet says that it is not there.
        for (const image of lost) if (never === state.absent) world.stored.delete(image);
        if (isRestarted) world.restart();
        await world.refresh(hours * hour, Object.fromEntries(failing), never);
        hours += 1;
        const held = new Set(world.holders().flat());
        for (const image of world.stored) expect(held).toContain(image);
        expect(world.holders().length).toBeLessThanOrEqual(1);
        for (const [image, word] of Object.entries(world.states()))
          expect([image, ['Present', 'Stale'].includes(word)]).toEqual([image, world.stored.has(image)]);
      }
    }),
    { numRuns: 8 },
  );
}, 300_000);

it('a scheduler that is killed before any of its writes ends with the same states, and one pod that holds (P8, P10, P19)', async () => {
  const whole = await supplied();
  const before = whole.cluster.writes.length;
  await whole.refresh(hour, down);
  const total = whole.cluster.writes.length;
  expect(total - before).toBeGreaterThan(6);
  for (let kill = before; kill < total; kill += 1) {
    const world = await supplied();
    world.cluster.killBefore = kill;
    await expect(world.refresh(hour, down)).rejects.toThrow(Killed);
    world.cluster.killBefore = Number.POSITIVE_INFINITY;
    // The kubelet goes on meanwhile.
    world.answer(down, state.absent);
    world.restart();
    await world.refresh(hour + 50, down);
    expect(world.states()).toEqual({ [api]: 'Stale', [db]: 'Stale', [web]: 'Present' });
    expect(world.holders()).toEqual([[web, api, db]]);
  }
}, 300_000);
