import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decide } from '../../cleaner/decide.ts';
import type { ImageEvent } from '../../cleaner/report/events.ts';
import { createUsageReader } from '../../cleaner/runtime/inventory.ts';
import type { Image, Runtime } from '../../cleaner/runtime/runtime.ts';
import { sweep } from '../../cleaner/sweep.ts';
import type { JobDocument } from '../../contract/job.ts';
import { type GeneratedNode, generateNode, startRuntime, tags } from '../helpers/generated-node.ts';
import { buildImage, buildJob, buildRunHistory, buildRuntime, now } from '../helpers/inventory.ts';

type Rules = Partial<JobDocument>;

const own = 'registry.example.com:5000/team/app:2';

/** Any policy, in an order in which the first are the strictest. */
function generateRules(): fc.Arbitrary<Rules> {
  const images = fc.record({
    include: fc.constantFrom<string[]>(['**'], ['registry.example.com:5000/**', 'docker.io/library/web:*']),
    exclude: fc.subarray(['**/base:*', 'docker.io/library/web:2']),
    minAge: fc.constantFrom('0s', '2m', '7d'),
    maxUnusedAge: fc.option(fc.constantFrom('1d', '7d'), { nil: undefined }),
    keepNewestPerRepository: fc.constantFrom(0, 0, 1, 2),
  });
  // ImageUsage is at 60 % before a run.
  const disk = fc.tuple(fc.integer({ min: 50, max: 61 }), fc.integer({ min: 30, max: 60 }));
  return fc
    .record({
      images,
      disk: fc.option(disk, { freq: 2 }),
      starting: fc.subarray([...tags]),
      prepulled: fc.subarray([...tags]),
    })
    .map(({ images: { maxUnusedAge, ...rules }, disk, starting, prepulled }) => ({
      images: { ...rules, ...(maxUnusedAge && { maxUnusedAge }) },
      startingReferences: starting.slice(0, 1),
      prepulledReferences: prepulled.slice(0, 1),
      ...(disk && { disk: { highPercent: disk[0], lowPercent: Math.min(disk[0] - 1, disk[1]) } }),
    }));
}

/** One run on a node of its own: what was told of each image, and what is left. */
async function run(node: GeneratedNode, rules: Rules, dryRun: boolean) {
  const runtime = startRuntime(node);
  const events: ImageEvent[] = [];
  const readUsage = createUsageReader(runtime, undefined);
  await sweep(
    buildJob({ ...rules, dryRun }),
    { runtime, readUsage, node: buildPorts(node, runtime), onImage: (event) => events.push(event) },
    new AbortController().signal,
  );
  return { events, left: runtime.images, removed: events.filter(({ decision }) => decision === 'remove') };
}

/** A disk on which images take 60 % at first. */
function buildPorts(
  { images, history }: Pick<GeneratedNode, 'images' | 'history'>,
  runtime: Pick<Runtime, 'listImages'>,
) {
  const bytesOf = (all: readonly Image[]) => all.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  const capacityBytes = bytesOf(images) / 0.6;
  return {
    ownReferences: [own],
    measureDisk: async () => {
      const usedBytes = bytesOf(await runtime.listImages());
      return { capacityBytes, usedBytes, availableBytes: capacityBytes - usedBytes };
    },
    openHistory: () => buildRunHistory(history),
    monotonicMs: () => 0,
    throttle: async () => false,
    sleep: async () => undefined,
  };
}

const idsOf = (all: readonly { readonly id: string }[]) => all.map(({ id }) => id).toSorted();

describe('on any node, under any policy', () => {
  const given = [generateNode(), generateRules()] as const;

  it('no image is removed that is used, pinned, excluded, not included or protected (C33, C34, C35, N2, T2, T4, T5, T7, T9, T10, T18, T19)', async () => {
    await fc.assert(
      fc.asyncProperty(...given, async (node, rules) => {
        const { left } = await run(node, rules, false);
        const gone = node.images.filter((image) => !left.includes(image));
        for (const image of gone) expect(findProtection(image, node, rules)).toBeUndefined();
      }),
    );
  });

  it('every image has one decision, and exactly those with the decision to remove are removed', async () => {
    await fc.assert(
      fc.asyncProperty(...given, async (node, rules) => {
        const { events, left, removed } = await run(node, rules, false);
        expect(idsOf(events)).toEqual(idsOf(node.images));
        expect(idsOf([...left, ...removed])).toEqual(idsOf(node.images));
      }),
    );
  });

  it('a dry run makes the same decisions as the run', async () => {
    await fc.assert(
      fc.asyncProperty(...given, async (node, rules) => {
        const [dry, real] = [await run(node, rules, true), await run(node, rules, false)];
        expect(dry.left).toEqual(node.images);
        expect(idsOf(dry.removed)).toEqual(idsOf(real.removed));
        const reasons = ({ events }: typeof dry) => events.map(({ id, reason }) => `${id} ${reason}`).toSorted();
        expect(reasons(dry)).toEqual(reasons(real));
      }),
      { numRuns: 400 },
    );
  });

  it('the order of the lists of the runtime does not matter', async () => {
    await fc.assert(
      fc.asyncProperty(...given, async (node, rules) => {
        const { images, containers, details } = node;
        const turned = {
          ...node,
          images: images.toReversed(),
          containers: containers.toReversed(),
          details: details.toReversed(),
        };
        const decisions = ({ events }: Awaited<ReturnType<typeof run>>) =>
          events.map(({ id, decision, reason }) => [id, decision, reason]).toSorted();
        expect(decisions(await run(turned, rules, true))).toEqual(decisions(await run(node, rules, true)));
      }),
    );
  });

  it.each<[what: string, prepare: (rules: Rules) => Rules, lower: (rules: Rules) => Rules]>([
    [
      'highPercent',
      keepAll,
      ({ disk, ...rules }) => withDisk(rules, disk && { ...disk, highPercent: disk.lowPercent + 1 }),
    ],
    ['lowPercent', keepAll, ({ disk, ...rules }) => withDisk(rules, disk && { ...disk, lowPercent: 1 })],
    ['minAge', withoutDisk, ({ images, ...rules }) => ({ ...rules, images: { ...images, minAge: '0s' } })],
    [
      'maxUnusedAge',
      ({ images, ...rules }) => withoutDisk({ ...rules, images: { ...images, maxUnusedAge: '7d' } }),
      ({ images, ...rules }) => ({ ...rules, images: { ...images, maxUnusedAge: '1d' } }),
    ],
    [
      'keepNewestPerRepository',
      withoutDisk,
      ({ images, ...rules }) => ({ ...rules, images: { ...images, keepNewestPerRepository: 0 } }),
    ],
  ])('a lower %s never removes fewer images (N4, N5, N6, N7)', async (_, prepare, lower) => {
    await fc.assert(
      fc.asyncProperty(...given, async (node, rules) => {
        const higher = await run(node, prepare(rules), true);
        const lowered = await run(node, lower(prepare(rules)), true);
        expect(idsOf(lowered.removed)).toEqual(expect.arrayContaining(idsOf(higher.removed)));
      }),
    );
  });
});

describe('the question to the runtime', () => {
  const asked: string[] = [];
  const images = ['1', '2', '3'].map((tag) => buildImage(`docker.io/acme/app:${tag}`));
  const runtime = buildRuntime({
    images,
    getSandboxImages: async () => {
      asked.push('sandboxes');
      return [];
    },
    inspectImages: async (ids) => {
      asked.push(`inspecti ${ids.length}`);
      return [];
    },
  });

  it.each<[what: string, rules: Rules, calls: readonly string[]]>([
    ['only the lists, if nothing can be removed', { images: { exclude: ['**'] } }, []],
    ['the images of sandboxes, if something can be removed', {}, ['sandboxes', 'inspecti 0']],
    [
      'build times of repositories with many images',
      { images: { keepNewestPerRepository: 1 } },
      ['sandboxes', 'inspecti 3'],
    ],
    [
      'layers of all images, if usage matters',
      { disk: { highPercent: 2, lowPercent: 1 } },
      ['sandboxes', 'inspecti 3'],
    ],
  ])('is %s', async (_, rules, calls) => {
    asked.length = 0;
    await decide(buildJob(rules), {
      ...buildPorts({ images, history: undefined }, runtime),
      history: buildRunHistory(undefined),
      runtime,
      readUsage: createUsageReader(runtime, undefined),
      measureDisk: async () => ({ capacityBytes: 100, usedBytes: 99, availableBytes: 1 }),
    });
    expect(asked).toEqual(calls);
  });
});

const keepAll = (rules: Rules): Rules => rules;
const withoutDisk = ({ disk: _, ...rules }: Rules): Rules => rules;
const withDisk = (rules: Rules, disk: Rules['disk']): Rules => ({ ...rules, ...(disk && { disk }) });

/** The reason why an image must not go, told from what is so on the node. */
function findProtection({ id, names, pinned }: Image, node: GeneratedNode, rules: Rules): string | undefined {
  const { include = [], exclude = [], minAge = '2m' } = rules.images ?? {};
  const { startingReferences = [], prepulledReferences = [] } = rules;
  const isIncluded = /^(registry\.example\.com:5000\/|docker\.io\/library\/web:)/;
  const record = node.history?.images.get(id);
  const minAgeMs = { '0s': 0, '2m': 120_000, '7d': 604_800_000 }[minAge] ?? 0;
  if (node.used.has(id)) return 'used';
  if (pinned) return 'pinned';
  if (names.some((name) => name.includes('/pause:') || name === node.sandboxImage)) return 'the pause image';
  if (names.some((name) => [own, ...startingReferences, ...prepulledReferences].includes(name))) return 'referred to';
  if (exclude.includes('**/base:*') && names.some((name) => name.includes('/base:'))) return 'excluded';
  if (exclude.includes('docker.io/library/web:2') && names.includes('docker.io/library/web:2')) return 'excluded';
  if (!include.includes('**') && !names.some((name) => isIncluded.test(name))) return 'not included';
  if (record !== undefined && now - record.firstSeen < minAgeMs) return 'too young';
  if (record?.lastUsed !== undefined && now - record.lastUsed < minAgeMs) return 'recently used';
  return undefined;
}
