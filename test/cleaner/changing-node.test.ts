import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildReport } from '../../cleaner/report/build.ts';
import type { ImageEvent } from '../../cleaner/report/events.ts';
import { createUsageReader } from '../../cleaner/runtime/inventory.ts';
import { compileSets } from '../../cleaner/sets/policy-sets.ts';
import { sweep } from '../../cleaner/sweep.ts';
import { repositoryOf } from '../../contract/images/reference.ts';
import { type Course, excluded, generateCourse, startChangingNode, type Truth } from '../helpers/changing-node.ts';
import { buildHistory, buildJob, buildRunHistory, dayMs, now } from '../helpers/inventory.ts';

/** The parts of a policy that matter to images which change. */
type Rules = {
  readonly minAge: '0s' | '1h';
  readonly keepNewestPerRepository: number;
  readonly maxPerRun: number | undefined;
  readonly lowPercent: number | undefined;
  /** The job names all images that it is to remove. */
  readonly isByName: boolean;
  /** An image set names all images, so that they go at any age and disk usage. */
  readonly isBySet: boolean;
};

const rules: fc.Arbitrary<Rules> = fc.record({
  minAge: fc.constantFrom('0s', '1h'),
  keepNewestPerRepository: fc.constantFrom(0, 0, 1),
  maxPerRun: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined, freq: 3 }),
  // With thresholds images go in small batches, with a look before each.
  lowPercent: fc.option(fc.integer({ min: 1, max: 40 }), { nil: undefined, freq: 4 }),
  isByName: fc.boolean(),
  isBySet: fc.boolean(),
});
const rests = fc.array(fc.boolean(), { maxLength: 10 });

/** Makes a run on a node that takes a course; `rests` tell before which batches time goes by. */
async function run(
  course: Course,
  { minAge, keepNewestPerRepository, maxPerRun, lowPercent, isByName, isBySet }: Rules,
  rests: boolean[],
) {
  const violations: string[] = [];
  const node = startChangingNode(course, (asked, all) => {
    violations.push(...asked.flatMap((truth) => findProtection(truth, isBySet ? 'any' : isByName ? '0s' : minAge)));
    violations.push(...findLostRepositories(asked, all, keepNewestPerRepository));
  });
  const { runtime, truths } = node;
  const images = { minAge, keepNewestPerRepository, exclude: [excluded], ...(maxPerRun && { maxPerRun }) };
  const removeFrom = isBySet ? ['all'] : [];
  const job = buildJob({
    images: { ...images, removeFrom },
    ...(isByName && { removeReferences: truths.map(({ original }) => original.names[0] ?? original.id) }),
    ...(!isByName && lowPercent && { disk: { highPercent: 45, lowPercent } }),
  });
  const records = truths.map(({ original }, index) => [original.id, { firstSeen: now - 30 * dayMs + index }]);
  const events: ImageEvent[] = [];
  let batches = 0;
  let nowMs = 0;
  const capacityBytes = node.usedBytes() * 2;
  const findings = await sweep(
    job,
    {
      runtime,
      readUsage: createUsageReader(runtime, undefined),
      sets: compileSets(job, [{ name: 'all', texts: [{ key: 'list', text: '**' }] }], now),
      node: {
        ownReferences: [],
        measureDisk: async () => ({
          capacityBytes,
          usedBytes: node.usedBytes(),
          availableBytes: capacityBytes - node.usedBytes(),
        }),
        openHistory: () => buildRunHistory(buildHistory(Object.fromEntries(records))),
        throttle: async () => rests[batches++] ?? false,
        monotonicMs: () => nowMs,
        sleep: async (ms) => {
          nowMs += ms;
        },
      },
      onImage: (event) => events.push(event),
    },
    new AbortController().signal,
  );
  return { violations, truths, events, report: buildReport(findings, 0) };
}

/** The reasons why an image must not be removed, by the latest look and by those before. */
function findProtection(truth: Truth, minAge: string): readonly string[] {
  const { image, original } = truth;
  const protections = {
    pinned: image.pinned,
    used: truth.isUsed,
    'stood on by a sandbox': truth.isStoodOn,
    'named anew or excluded': image.names.length > original.names.length,
    'pulled in another size': image.sizeBytes !== original.sizeBytes,
    'pulled again': truth.wasSeenGone,
    'used a moment ago': minAge !== '0s' && truth.wasSeenUsed,
  };
  return Object.entries(protections)
    .filter(([, holds]) => holds)
    .map(([protection]) => `${original.names[0]} is removed, which is ${protection}`);
}

/** The repositories of which fewer images would be left than the policy keeps. */
function findLostRepositories(asked: readonly Truth[], all: readonly Truth[], count: number): readonly string[] {
  const present = all.filter(({ isPresent }) => isPresent);
  const groups = Object.groupBy(present, ({ original }) => repositoryOf(original.names[0] ?? ''));
  return Object.entries(groups)
    .filter(([, group = []]) => {
      const left = group.filter((truth) => !asked.includes(truth));
      return left.length < Math.min(count, group.length);
    })
    .map(([repository]) => `of ${repository} fewer than ${count} are left`);
}

type Ended = Awaited<ReturnType<typeof run>>;

/** The report and the log say of every image what is so. */
function expectTruth({ truths, events, report }: Ended, { maxPerRun = Number.POSITIVE_INFINITY }: Rules): void {
  const told = new Map(events.map((event) => [event.id, event]));
  expect(told.size).toBe(events.length);
  // Of a request that timed out nothing is known of the images: they may be asked for again, or skipped then.
  const anyTimesOut = truths.some(({ removability }) => /TimesOut|RemovesLate/.test(removability));
  for (const truth of truths) {
    const { decision, outcome } = told.get(truth.original.id) ?? {};
    expect(decision).toBeDefined();
    if (outcome === 'removed') expect(truth.wasEverGone).toBe(true);
    if (outcome === 'failed' || outcome === 'unknown') expect(truth.wasAskedFor).toBe(true);
    if (decision === 'keep') expect(truth.wasAskedFor).toBe(false);
    if (outcome === 'skipped' && !anyTimesOut) expect(truth.wasAskedFor).toBe(false);
    const wentByUs = truth.wasAskedFor && truth.removability.startsWith('Removes') && !truth.wasPulledBack;
    if (wentByUs) expect(outcome).toMatch(/removed|unknown/);
  }
  const count = (outcome: string) => events.filter((event) => event.outcome === outcome).length;
  const outcomes = Object.fromEntries(['removed', 'failed', 'skipped', 'unknown'].map((name) => [name, count(name)]));
  expect(report.images).toMatchObject({ ...outcomes, total: events.length });
  expect(count('removed') + count('unknown')).toBeLessThanOrEqual(maxPerRun);
  if (count('failed') + count('unknown') > 0) expect(report.outcome).toBe('PartiallyFailed');
}

describe('images that change in any way while a plan is carried out', () => {
  it('the cleaner removes no image that a rule protects by the latest lists, and reports each image as it is (H24, H28)', async () => {
    await fc.assert(
      fc.asyncProperty(generateCourse({ mayLie: false }), rules, rests, async (course, given, rests) => {
        const ended = await run(course, given, rests);
        expect(ended.violations).toEqual([]);
        expectTruth(ended, given);
      }),
      { numRuns: 300 },
    );
  });

  it('the same is true if lists fail, or are impossible (H24, H28)', async () => {
    await fc.assert(
      fc.asyncProperty(generateCourse({ mayLie: true }), rules, rests, async (course, given, rests) => {
        const ended = await run(course, given, rests);
        expect(ended.violations).toEqual([]);
        expectTruth(ended, given);
      }),
      { numRuns: 300 },
    );
  });
});
