import { describe, expect, it } from 'vitest';
import { makeKeepRules } from '../../../cleaner/plan/keep-rules.ts';
import { foreseePlan, makePlan } from '../../../cleaner/plan/plan.ts';
import { buildPlan } from '../../../cleaner/plan/plan-build.ts';
import { type PlanDocument, parsePlan } from '../../../contract/plan-document.ts';
import {
  buildFacts,
  buildHistory,
  buildImage,
  buildInUse,
  dayMs,
  type FactFields,
  minuteMs,
  now,
} from '../../helpers/inventory.ts';

const used = buildImage('used', { sizeBytes: 300 });
const small = buildImage('small', { sizeBytes: 100 });
const large = buildImage('large', { sizeBytes: 500 });
const daysAgo = (days: number) => now - days * dayMs;

function planOf(fields: FactFields): PlanDocument {
  const facts = buildFacts(fields);
  return buildPlan(
    { facts, rules: makeKeepRules(facts), plan: foreseePlan(makePlan(facts), facts.diskUsage) },
    'node-1',
    ['a note'],
  );
}

const imageOf = (plan: PlanDocument, { id }: { readonly id: string }) => plan.images.find((image) => image.id === id);

describe('the document of a plan', () => {
  const plan = planOf({
    inventory: { images: [small, used, large], inUse: buildInUse(used) },
    history: buildHistory({
      [used.id]: { firstSeen: daysAgo(9), lastUsed: now },
      [large.id]: { firstSeen: daysAgo(3), lastUsed: daysAgo(1) },
    }),
  });

  it('names its node and its time, and is read back as it was written', () => {
    expect(plan).toMatchObject({ version: 1, policy: 'nightly', node: 'node-1', time: '2026-01-31T00:00:00.000Z' });
    expect(plan.notes).toEqual(['a note']);
    expect(parsePlan(JSON.stringify(plan))).toEqual(plan);
  });

  it('has every image once, the largest first', () => {
    expect(plan.images.map(({ names: [name], decision }) => [name, decision])).toEqual([
      ['docker.io/library/large:latest', 'remove'],
      ['docker.io/library/used:latest', 'keep'],
      ['docker.io/library/small:latest', 'remove'],
    ]);
  });

  it('shows when an image was seen and used, and which containers use it', () => {
    expect(imageOf(plan, used)).toMatchObject({
      firstSeen: '2026-01-22T00:00:00.000Z',
      lastUsed: '2026-01-31T00:00:00.000Z',
      usedBy: ['default/web/main'],
      reason: 'InUse',
      message: 'used by default/web/main',
    });
    expect(imageOf(plan, large)).toMatchObject({ lastUsed: '2026-01-30T00:00:00.000Z', message: 'no rule keeps it' });
  });

  it('shows no first time for images older than the history, and no use that was never seen', () => {
    expect(imageOf(plan, small)).not.toHaveProperty('firstSeen');
    expect(imageOf(plan, small)).not.toHaveProperty('lastUsed');
    expect(imageOf(plan, small)).not.toHaveProperty('usedBy');
  });

  it('shows the result of every rule for an image, strongest first', () => {
    const verdicts = imageOf(plan, used)?.verdicts ?? [];
    expect(verdicts.map(({ rule }) => rule)).toEqual([
      'InUse',
      'Pinned',
      'OwnImage',
      'Starting',
      'ReferencedByWorkload',
      'Prepulled',
      'SideLoaded',
      'NotIncluded',
      'Excluded',
      'TooYoung',
      'RecentlyUsed',
      'NewestInRepository',
      'BelowThreshold',
      'OverLimit',
    ]);
    expect(verdicts.filter(({ keeps }) => keeps).map(({ rule }) => rule)).toEqual(['InUse', 'RecentlyUsed']);
    expect(imageOf(plan, large)?.verdicts.some(({ keeps }) => keeps)).toBe(false);
  });
});

describe('the bytes that a plan frees', () => {
  const layersOf = (image: { readonly id: string }, ...layers: string[]) => ({ id: image.id, layers });

  it('are the layers that nothing else holds, and, with a remark, sizes if layers are not known', () => {
    const images = [small, used, large];
    const details = new Map([small, used].map((image) => [image.id, layersOf(image, 'shared')]));
    const { totals } = planOf({ inventory: { images, inUse: buildInUse(used), details } });
    expect(totals).toEqual({ images: 3, sizeBytes: 900, removals: 2, freesBytes: 500, nominal: 1 });
  });

  it('lower the usage accordingly, in percent as for the kubelet', () => {
    const diskUsage = { capacityBytes: 1_000, usedBytes: 900, availableBytes: 100 };
    const { filesystem } = planOf({ inventory: { images: [small] }, diskUsage });
    expect(filesystem).toEqual({
      capacityBytes: 1_000,
      usedBytes: 900,
      usedPercent: 90,
      afterBytes: 800,
      afterPercent: 80,
    });
  });
});

describe('an image that stays because of the others', () => {
  const disk = { highPercent: 85, lowPercent: 80 };
  const diskUsage = { capacityBytes: 1_000, usedBytes: 900, availableBytes: 100 };
  const history = buildHistory({
    [large.id]: { firstSeen: daysAgo(5) },
    [small.id]: { firstSeen: daysAgo(1) },
  });

  it('is kept by the threshold if usage is low enough without its removal', () => {
    const plan = planOf({ job: { disk }, inventory: { images: [small, large] }, diskUsage, history });
    expect(imageOf(plan, large)).toMatchObject({ decision: 'remove', message: 'disk usage requires its removal' });
    expect(imageOf(plan, small)).toMatchObject({ decision: 'keep', reason: 'BelowThreshold' });
    expect(imageOf(plan, small)?.verdicts.filter(({ keeps }) => keeps)).toEqual([
      { rule: 'BelowThreshold', keeps: true, message: 'disk usage is at or below lowPercent without it' },
    ]);
    expect(plan).toMatchObject({ disk, filesystem: { usedPercent: 90, afterPercent: 40 } });
  });

  it('is kept by the limit if others are removed first', () => {
    const plan = planOf({ job: { images: { maxPerRun: 1 } }, inventory: { images: [small, large] }, history });
    expect(imageOf(plan, small)?.verdicts.filter(({ keeps }) => keeps)).toMatchObject([{ rule: 'OverLimit' }]);
    expect(imageOf(plan, large)?.verdicts.at(-1)).toEqual({
      rule: 'OverLimit',
      keeps: false,
      message: 'within images.maxPerRun (1)',
    });
  });

  it('is removed at any usage, with a remark, if it was unused for long', () => {
    const low = { ...diskUsage, usedBytes: 100, availableBytes: 900 };
    const job = { disk, images: { maxUnusedAge: '2d' } };
    const plan = planOf({ job, inventory: { images: [small, large] }, diskUsage: low, history });
    expect(imageOf(plan, large)).toMatchObject({
      decision: 'remove',
      message: expect.stringContaining('maxUnusedAge'),
    });
    expect(imageOf(plan, small)).toMatchObject({ decision: 'keep', reason: 'BelowThreshold' });
  });
});

it('a document of another version is no plan', () => {
  const plan = planOf({ inventory: { images: [small] }, now: now + minuteMs });
  expect(parsePlan(JSON.stringify({ ...plan, version: 2 }))).toBeUndefined();
  expect(parsePlan(JSON.stringify({ ...plan, later: 'is ignored' }))).toEqual(plan);
  expect(parsePlan('warning: no plan')).toBeUndefined();
});
