import fc from 'fast-check';
import type { Container, Image, RemovalAnswer } from '../../cleaner/runtime/runtime.ts';
import { buildContainer, buildImage, buildRuntime } from './inventory.ts';

const kinds = ['Pin', 'Exclude', 'Rename', 'Resize', 'Remove', 'Vanish', 'Pull', 'Start', 'Stop', 'StandOn'] as const;
const removabilities = ['Refuses', 'TimesOut', 'RemovesLate'] as const;
const lies = ['Empty', 'WithoutUsed', 'Fails'] as const;

/** The course of a node during a run: what others do right before each look but the first, and what that look tells. */
export type Course = {
  readonly images: readonly DrawnImage[];
  readonly looks: readonly DrawnLook[];
};

type DrawnImage = {
  readonly sizeBytes: number;
  readonly use: 'Unused' | 'Used';
  readonly removability: (typeof removabilities)[number] | 'Removes';
};
type DrawnLook = { readonly changes: readonly Change[]; readonly lie: (typeof lies)[number] | 'None' };
/** Something that others do to an image. */
type Change = { readonly kind: (typeof kinds)[number]; readonly image: number };

const maxImages = 8;
/** The images are of so many repositories. */
const repositoryCount = 3;
/** A name that the policy of the tests excludes. */
export const excluded = '**/base';

/** Any course, in which looks tell the truth unless `mayLie` is set. */
export function generateCourse({ mayLie }: { readonly mayLie: boolean }): fc.Arbitrary<Course> {
  const change = fc.record({ kind: fc.constantFrom(...kinds), image: fc.nat(maxImages - 1) });
  const lie = mayLie ? seldom('None', lies) : fc.constant('None' as const);
  const image = fc.record({
    sizeBytes: fc.integer({ min: 1, max: 100 }),
    use: seldom('Unused', ['Used'] as const),
    removability: seldom('Removes', removabilities),
  });
  return fc.record({
    images: fc.array(image, { minLength: 2, maxLength: maxImages }),
    looks: fc.array(fc.record({ changes: fc.array(change, { maxLength: 3 }), lie }), { maxLength: 12 }),
  });
}

/** Mostly the same. */
function seldom<Usual extends string, Other extends string>(usual: Usual, others: readonly Other[]) {
  return fc.oneof({ arbitrary: fc.constant(usual), weight: 5 }, { arbitrary: fc.constantFrom(...others), weight: 1 });
}

/** The truth about an image. */
export type Truth = {
  /** As it was when the run began. */
  readonly original: Image;
  image: Image;
  isPresent: boolean;
  isUsed: boolean;
  isStoodOn: boolean;
  /** It is gone for one look only. */
  comesBack: boolean;
  /** It was used or pinned in the look before. */
  wasFirm: boolean;
  wasSeenGone: boolean;
  wasSeenUsed: boolean;
  wasEverGone: boolean;
  wasPulledBack: boolean;
  wasAskedFor: boolean;
  readonly removability: DrawnImage['removability'];
};

/** A container of it always runs, so that no list of the node is ever empty. */
const anchor = buildImage('registry.test/anchor:1');

/** A runtime whose node takes a course, and the truth about its images. `onRequest` is told before images are removed. */
export function startChangingNode(course: Course, onRequest: (asked: readonly Truth[], all: readonly Truth[]) => void) {
  const truths = course.images.map(tell);
  const byId = new Map(truths.map((truth) => [truth.original.id, truth]));
  let looks = 0;
  let isTrue = false;

  function look(): readonly Image[] {
    const drawn = course.looks[looks++ - 1];
    isTrue = false;
    for (const truth of truths.filter(({ comesBack }) => comesBack)) applyChange('Pull', truth);
    for (const { kind, image } of drawn?.changes ?? []) applyChange(kind, truths[image % truths.length]);
    if (drawn?.lie === 'Fails') throw new Error('the runtime does not answer');
    const present = truths.filter(({ isPresent }) => isPresent);
    const hidden = present.filter(({ isUsed, wasSeenUsed }) => isUsed && wasSeenUsed);
    if (drawn?.lie === 'WithoutUsed' && hidden.length > 0)
      return [anchor, ...imagesOf(present.filter((truth) => !hidden.includes(truth)).slice(1))];
    if (drawn !== undefined && drawn.lie !== 'None') return [];
    isTrue = true;
    return [anchor, ...imagesOf(present)];
  }

  /**
   * Images and containers together are a look. One without an image that was used or pinned a moment ago can't be told
   * from a lie.
   */
  function listContainers(): readonly Container[] {
    const isRight = isTrue && !truths.some(({ isPresent, wasFirm }) => !isPresent && wasFirm);
    if (isRight) truths.forEach(noteSeen);
    return [buildContainer(anchor), ...truths.filter(({ isUsed }) => isUsed).map(containerOf)];
  }

  function remove(ids: readonly string[]): RemovalAnswer {
    const asked = ids.flatMap((id) => byId.get(id) ?? []);
    onRequest(asked, truths);
    for (const truth of asked) {
      truth.wasAskedFor = true;
      if (/^Removes/.test(truth.removability)) takeAway(truth);
    }
    const failures = asked.filter(({ removability }) => removability === 'Refuses');
    return {
      timedOut: asked.some(({ removability }) => removability === 'TimesOut' || removability === 'RemovesLate'),
      complaints: failures.map(({ original }) => ({ imageId: original.id, message: 'read-only file system' })),
    };
  }

  const runtime = buildRuntime({
    listImages: async () => look(),
    listContainers: async () => listContainers(),
    getSandboxImages: async () => truths.filter(({ isStoodOn }) => isStoodOn).map(({ original }) => original.id),
    removeImages: async (ids) => remove(ids),
  });
  const usedBytes = () =>
    imagesOf(truths.filter(({ isPresent }) => isPresent)).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  return { runtime, truths, usedBytes, lookCount: () => looks };
}

function tell({ sizeBytes, use, removability }: DrawnImage, index: number): Truth {
  const image = buildImage(`registry.test/junk-${index % repositoryCount}:${index}`, { sizeBytes });
  return {
    original: image,
    image,
    isPresent: true,
    isUsed: use === 'Used',
    isStoodOn: false,
    comesBack: false,
    wasFirm: false,
    wasSeenGone: false,
    wasSeenUsed: false,
    wasEverGone: false,
    wasPulledBack: false,
    wasAskedFor: false,
    removability,
  };
}

function applyChange(kind: Change['kind'], truth: Truth | undefined): void {
  if (truth === undefined || truth.isPresent === (kind === 'Pull')) return;
  switch (kind) {
    case 'Pin':
      truth.image = { ...truth.image, pinned: true };
      return;
    case 'Exclude':
      truth.image = { ...truth.image, names: [...truth.image.names, 'registry.test/base:1'] };
      return;
    case 'Rename':
      truth.image = { ...truth.image, names: [...truth.image.names, 'registry.test/other:1'] };
      return;
    case 'Resize':
      truth.image = { ...truth.image, sizeBytes: truth.image.sizeBytes + 1 };
      return;
    case 'Remove':
      takeAway(truth);
      return;
    case 'Vanish':
      takeAway(truth);
      truth.comesBack = true;
      return;
    case 'Pull':
      truth.isPresent = true;
      truth.comesBack = false;
      truth.wasPulledBack = true;
      return;
    case 'Start':
      truth.isUsed = true;
      return;
    case 'Stop':
      truth.isUsed = false;
      return;
    case 'StandOn':
      truth.isStoodOn = true;
      return;
    default:
      kind satisfies never;
  }
}

function noteSeen(truth: Truth): void {
  truth.wasSeenGone ||= !truth.isPresent;
  truth.wasSeenUsed ||= truth.isUsed;
  truth.wasFirm = truth.isUsed || truth.image.pinned;
}

function takeAway(truth: Truth): void {
  truth.image = truth.original;
  truth.isPresent = false;
  truth.isUsed = false;
  truth.isStoodOn = false;
  truth.wasEverGone = true;
}

function containerOf({ original }: Truth): Container {
  return buildContainer(original);
}

function imagesOf(truths: readonly Truth[]): readonly Image[] {
  return truths.map(({ image }) => image);
}
