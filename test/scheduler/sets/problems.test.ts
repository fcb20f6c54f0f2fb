import { describe, expect, it } from 'vitest';
import { type ImageSet, type ImageSets, timeOfSet } from '../../../scheduler/sets/image-set.ts';
import { findSetProblems, nextSetChange, type SetNeeds, setTimesOf } from '../../../scheduler/sets/problems.ts';
import { secondsLater, start } from '../../helpers/builders.ts';

const day = 86_400;

function buildSet(set: Partial<ImageSet> = {}): ImageSet {
  const content = { kind: 'Readable', bytes: 90, entries: 3, invalidLines: 0 } as const;
  return { name: 'frozen', version: '1', updatedAt: start, content, ...set };
}

function buildSets(...sets: readonly ImageSet[]): ImageSets {
  return { place: 'in namespace nodesweep', byName: new Map(sets.map((set) => [set.name, set])) };
}

const use = { path: 'images.excludeFrom[0]', set: 'frozen', withoutIt: 'nothing is removed' };
const needs: SetNeeds = { uses: [use], maxAgeMs: day * 1_000 };
const found = (set: Partial<ImageSet> | undefined, now = start, wanted = needs) =>
  findSetProblems(wanted, set === undefined ? buildSets() : buildSets(buildSet(set)), now);

describe('a problem with an image set', () => {
  it('names the field, the set, the namespace, the next step, and what happens until then (S6)', () => {
    expect(found(undefined)).toMatchObject([
      {
        path: 'images.excludeFrom[0]',
        reason: 'SetMissing',
        message:
          'image set frozen does not exist in namespace nodesweep: create a ConfigMap of this name with the label nodesweep.io/kind: image-set. Until then, nothing is removed',
      },
    ]);
  });

  const noKeys = { kind: 'Unreadable', cause: 'has no keys', advice: 'put the images there' } as const;
  const malformed = {
    kind: 'Readable',
    bytes: 90,
    entries: 3,
    invalidLines: 2,
    firstInvalid: 'key a, line 3: X',
  } as const;
  it.each<[reason: string | undefined, what: string, set: Partial<ImageSet>, now: Date]>([
    [undefined, 'can be read and is new enough', {}, secondsLater(day)],
    ['SetUnreadable', 'has no keys', { content: noKeys }, start],
    ['SetUnreadable', 'has no keys, and is too old', { content: noKeys }, secondsLater(2 * day)],
    ['SetStale', 'is older than images.maxSetAge', {}, secondsLater(day + 1)],
    ['SetStale', 'has an unknown age', { updatedAt: undefined }, start],
    ['SetStale', 'has a time far in the future', { updatedAt: secondsLater(3 * day) }, start],
    [undefined, 'has a time a little in the future', { updatedAt: secondsLater(60) }, start],
    ['SetInvalid', 'has malformed lines', { content: malformed }, start],
    ['SetStale', 'has malformed lines, and is too old', { content: malformed }, secondsLater(2 * day)],
  ])('is %s if the set %s (S6)', (reason, _, set, now) => {
    expect(found(set, now).map((problem) => problem.reason)).toEqual(reason === undefined ? [] : [reason]);
  });

  it('is not the age of a set if the policy has no images.maxSetAge (S6)', () => {
    expect(found({ updatedAt: undefined }, secondsLater(1_000 * day), { uses: [use] })).toEqual([]);
  });

  it('begins with words that stay the same as long as it lasts', () => {
    for (const [problem] of [found(undefined), found({}, secondsLater(2 * day)), found({ content: malformed })]) {
      expect(problem?.gist).toMatch(/^image set frozen /);
      expect(problem?.message.startsWith(problem.gist)).toBe(true);
    }
  });
});

describe('image sets that are too large together', () => {
  const mebibytes = (count: number) => ({ ...buildSet().content, bytes: count * 1_048_576 }) as ImageSet['content'];
  const uses = ['a', 'b', 'a', 'c'].map((set, index) => ({ ...use, set, path: `images.f[${index}]` }));
  const judge = (a: ImageSet['content'], b: ImageSet['content'], c: ImageSet['content']) => {
    const sets = Object.entries({ a, b, c }).map(([name, content]) => buildSet({ name, content }));
    return findSetProblems({ uses }, buildSets(...sets), start);
  };

  it('are one problem with the sum, the limit and the next step, at the field with which they are (S6)', () => {
    expect(judge(mebibytes(2), mebibytes(2), mebibytes(1))).toEqual([
      {
        path: 'images.f[3]',
        set: 'c',
        reason: 'SetUnreadable',
        gist: 'image set c makes the sets of the policy too large',
        message:
          'image set c makes the sets of the policy too large: together they have 5242880 bytes and 9 lines, and the limit is 4194304 bytes and 50000 lines: shorten the sets, or name fewer of them in the policy. Until then, none of them can be read: nothing is removed because of them, and nothing at all with images.excludeFrom or images.includeFrom',
      },
    ]);
    expect(judge(mebibytes(5), mebibytes(1), mebibytes(0))).toMatchObject([
      { path: 'images.f[0]', message: expect.stringContaining(': together they have 6291456 bytes') },
    ]);
  });

  it('are so also by their lines, malformed ones included (S6)', () => {
    const lines = (entries: number, invalidLines: number) =>
      ({ kind: 'Readable', bytes: 9, entries, invalidLines }) as const;
    expect(judge(lines(25_000, 0), lines(20_000, 0), lines(5_000, 0))).toEqual([]);
    expect(judge(lines(25_000, 0), lines(20_000, 0), lines(5_000, 1))).toMatchObject([
      { path: 'images.f[3]', reason: 'SetUnreadable', message: expect.stringContaining(' and 50001 lines') },
      { path: 'images.f[3]', reason: 'SetInvalid' },
    ]);
  });

  it('count each set once, and a set that can not be read not at all (S6)', () => {
    const unreadable = { kind: 'Unreadable', cause: 'has no keys', advice: 'put the images there' } as const;
    expect(judge(mebibytes(3), mebibytes(1), mebibytes(0))).toEqual([]);
    expect(judge(mebibytes(3), mebibytes(1), unreadable)).toMatchObject([{ path: 'images.f[3]', set: 'c' }]);
  });
});

describe('the next look at an image set', () => {
  it('is when it becomes too old, without any change in the cluster (S6)', () => {
    const sets = buildSets(buildSet());
    const at = nextSetChange(needs, sets, start);
    expect(at).toEqual(new Date(secondsLater(day).getTime() + 1));
    expect(findSetProblems(needs, sets, new Date((at?.getTime() ?? 0) - 1))).toEqual([]);
    expect(findSetProblems(needs, sets, at ?? start)).toMatchObject([{ reason: 'SetStale' }]);
  });

  it('is not needed after that, nor without images.maxSetAge', () => {
    expect(nextSetChange(needs, buildSets(buildSet()), secondsLater(2 * day))).toBeUndefined();
    expect(nextSetChange({ uses: [use] }, buildSets(buildSet()), start)).toBeUndefined();
    expect(nextSetChange(needs, buildSets(), start)).toBeUndefined();
  });

  it('is when a time in the future is near enough', () => {
    const sets = buildSets(buildSet({ updatedAt: secondsLater(3 * day) }));
    expect(nextSetChange(needs, sets, start)).toEqual(secondsLater(2 * day));
    expect(findSetProblems(needs, sets, secondsLater(2 * day))).toEqual([]);
  });
});

describe('the time of an image set', () => {
  it('is its annotation, else the time of its last change (S6)', () => {
    expect(timeOfSet('2026-03-01T00:00:00Z', start)).toEqual(new Date('2026-03-01T00:00:00Z'));
    expect(timeOfSet('2026-03-01T02:00:00.5+02:00', start)).toEqual(new Date('2026-03-01T00:00:00.500Z'));
    expect(timeOfSet(undefined, start)).toEqual(start);
  });

  it.each(['', 'yesterday', '2026-03-01', '1772323200'])('is unknown if the annotation is %j', (text) => {
    expect(timeOfSet(text, start)).toBeUndefined();
  });

  it('is told to the cleaners for each set that exists, and is empty if it is unknown (S6)', () => {
    const uses = ['frozen', 'other', 'missing', 'frozen'].map((set, index) => ({ ...use, set, path: `x[${index}]` }));
    const sets = buildSets(buildSet(), buildSet({ name: 'other', updatedAt: undefined }), buildSet({ name: 'third' }));
    expect(setTimesOf({ uses }, sets)).toEqual({ frozen: start.toISOString(), other: '' });
  });
});
