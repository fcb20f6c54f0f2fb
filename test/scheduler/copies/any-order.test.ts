import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ids, nodeNames, World } from './world.ts';

const node = fc.constantFrom(...nodeNames);
const id = fc.constantFrom(...ids);
const share = fc.constantFrom(0.2, 0.5, 0.8);
/** Mostly at once, or as late as a request can be that waits for a busy API server. */
const delaySeconds = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.constantFrom(1, 30, 100));

interface Step {
  readonly words: string;
  readonly run: (world: World) => Promise<void> | void;
}

/** A cleaner lists images, the scheduler decides, and the next cleaner removes all that it may. */
const cleanAtOnce = fc.tuple(node, share, delaySeconds, fc.boolean()).map(([name, usedShare, seconds, works]) => ({
  words: `clean ${name} at ${usedShare} ${seconds} s later, works ${works}`,
  run: async (world: World) => {
    await world.list(name, usedShare);
    await world.decide(name, seconds);
    if (works) for (const each of ids) world.work(name, each);
  },
}));
/** A process ends while a cleaner of it is under way, and the next one lists what is on all nodes. */
const takeOver = fc
  .tuple(node, fc.constantFrom(0, 1, 100), fc.constantFrom(0, 70, 250))
  .map(([name, seconds, pause]) => ({
    words: `take over after ${name}, ${seconds} s, ${pause} s`,
    run: async (world: World) => {
      for (const each of nodeNames) await world.list(each, 0.5);
      await world.decide(name, seconds);
      for (const image of ids) world.work(name, image);
      world.end(name);
      world.tidy(false);
      world.restart();
      await world.wait(pause);
      if (pause === 70) for (const each of nodeNames) await world.list(each, 0.5);
    },
  }));
const steps: Record<string, fc.Arbitrary<Step>> = {
  cleanAtOnce,
  list: fc
    .tuple(node, share)
    .map(([name, usedShare]) => ({ words: `list ${name}`, run: (world) => world.list(name, usedShare) })),
  decide: fc
    .tuple(node, delaySeconds)
    .map(([name, seconds]) => ({ words: `decide ${name}`, run: (world) => world.decide(name, seconds) })),
  work: fc
    .tuple(node, id)
    .map(([name, image]) => ({ words: `work ${name} ${image}`, run: (world) => world.work(name, image) })),
  end: node.map((name) => ({ words: `end ${name}`, run: (world) => world.end(name) })),
  wait: fc
    .constantFrom(1, 20, 70, 250, 900, 4_000)
    .map((seconds) => ({ words: `wait ${seconds}`, run: (world) => world.wait(seconds) })),
  restart: fc.constant({ words: 'restart', run: (world: World) => world.restart() }),
  tidy: fc.boolean().map((isOfLists) => ({ words: `tidy ${isOfLists}`, run: (world) => world.tidy(isOfLists) })),
  takeOver,
  pull: fc.tuple(node, id).map(([name, image]) => ({
    words: `pull ${image} to ${name}`,
    run: (world) => void world.disks.get(name)?.add(image),
  })),
  careless: node.map((name) => ({ words: `careless on ${name}`, run: (world) => world.startCareless(name) })),
  replace: node.map((name) => ({ words: `replace ${name}`, run: (world) => world.replace(name) })),
  leave: fc.tuple(node, fc.boolean()).map(([name, unschedulable]) => ({
    words: `cordon ${name} ${unschedulable}`,
    run: (world) => world.change(name, { unschedulable }),
  })),
};

const weights = {
  cleanAtOnce: 8,
  list: 4,
  decide: 3,
  work: 6,
  end: 3,
  wait: 5,
  restart: 1,
  takeOver: 2,
  tidy: 1,
  pull: 2,
};
const history = (more: Record<string, number>) =>
  fc.array(
    fc.oneof(
      ...Object.entries({ ...weights, ...more }).map(([name, weight]) => ({
        weight,
        arbitrary: steps[name] as fc.Arbitrary<Step>,
      })),
    ),
    { maxLength: 40, size: 'max' },
  );
/** Mostly each node has each image. */
const disk = fc.subarray([...ids], { minLength: 1 }).map((list) => new Set<string>(list));
const start = fc.array(disk, { minLength: nodeNames.length, maxLength: nodeNames.length });

it('some node keeps each image, in any order of lists, answers, pods and processes (S12)', async () => {
  let removed = 0;
  const property = fc.asyncProperty(start, history({}), async (disks, taken) => {
    const world = new World(disks);
    const initial = ids.filter((image) => world.count(image) > 0);
    for (const { run } of taken) {
      await run(world);
      world.observe();
      for (const image of initial) expect(world.count(image)).toBeGreaterThan(0);
    }
    removed += world.removed;
  });
  await fc.assert(property, { numRuns: 3_000 });
  expect(removed).toBeGreaterThan(1_000);
});

it('at each answer another node has the image, stays, and has no cleaner that may remove it (S12)', async () => {
  let answers = 0;
  const property = fc.asyncProperty(start, history({ careless: 2, replace: 1, leave: 1 }), async (disks, taken) => {
    const world = new World(disks);
    world.onAnswer = (asking, spared) => {
      answers += spared.length;
      const others = world.nodes.filter(({ name, unschedulable }) => name !== asking && !unschedulable);
      for (const image of spared) expect(others.some(({ name }) => world.isSafeOn(name, image))).toBe(true);
    };
    for (const { run } of taken) {
      await run(world);
      world.observe();
    }
  });
  await fc.assert(property, { numRuns: 3_000 });
  expect(answers).toBeGreaterThan(1_000);
});
