import { describe, expect, it } from 'vitest';
import { forgetImages, recallImages, shiftHistory, updateHistory } from '../../../cleaner/history/history.ts';
import { buildHistory, buildImage, buildInUse, buildInventory, now } from '../../helpers/inventory.ts';

const a = buildImage('a.io/a');
const b = buildImage('a.io/b');

describe('updateHistory', () => {
  it('treats every image as an old one on a first run (N8, T25)', () => {
    const usage = buildInventory({ images: [a, b], inUse: buildInUse(b) });
    expect(updateHistory(undefined, usage, now)).toEqual({
      startedAt: now,
      lookedAt: now,
      isClockSteady: true,
      images: new Map([
        [a.id, { firstSeen: 0 }],
        [b.id, { firstSeen: 0, lastUsed: now }],
      ]),
    });
  });

  it('records new images as first seen now on later runs, and forgets images that no longer exist (N1)', () => {
    const earlier = buildHistory({ [a.id]: { firstSeen: 5, lastUsed: now - 1 } });
    const history = updateHistory(earlier, buildInventory({ images: [b] }), now);
    expect(history).toEqual({ ...buildHistory({ [b.id]: { firstSeen: now } }), lookedAt: now });
  });

  it('keeps entries that another cleaner wrote later than this run (T24)', () => {
    const theirs = { new: { firstSeen: now + 1 }, used: { firstSeen: 5, lastUsed: now + 1 } };
    const stored = { ...buildHistory(theirs), lookedAt: now + 1 };
    expect(updateHistory(stored, buildInventory(), now)).toEqual(stored);
  });

  it('leaves out an image that another cleaner found gone after these lists, and does not use its finish time (T24, H23)', () => {
    const stored = { ...buildHistory({ [b.id]: { firstSeen: 5 } }), lookedAt: now + 1 };
    const finishedAt = new Map([[b.id, now - 10]]);
    const usage = buildInventory({ images: [a, b], inUse: buildInUse(b), finishedAt });
    expect(updateHistory(stored, usage, now)).toEqual({
      ...stored,
      images: new Map([[b.id, { firstSeen: 5, lastUsed: now }]]),
    });
  });

  it.each([
    { what: 'used now', finishedAt: undefined, before: undefined, lastUsed: now },
    { what: 'finished before', finishedAt: now - 10, before: undefined, lastUsed: now - 10 },
    { what: 'finished before it was last seen used', finishedAt: now - 10, before: now - 5, lastUsed: now - 5 },
    { what: 'finished in the future, by a clock that was set back', finishedAt: now + 10, before: 1, lastUsed: now },
    { what: 'finished at an impossible time', finishedAt: Number.NaN, before: 1, lastUsed: now },
    { what: 'finished by an unsteady clock', finishedAt: now - 10, before: 1, isClockSteady: false, lastUsed: now },
  ])(
    'records the last use of an image that is $what (N4)',
    ({ finishedAt, before, lastUsed, isClockSteady = true }) => {
      const records = { [a.id]: { firstSeen: 0, ...(before !== undefined && { lastUsed: before }) } };
      const finished = new Map(finishedAt === undefined ? [] : [[a.id, finishedAt]]);
      const usage = buildInventory({ images: [a], inUse: buildInUse(a), finishedAt: finished });
      const history = updateHistory({ ...buildHistory(records), isClockSteady }, usage, now);
      expect(history.images.get(a.id)).toEqual({ firstSeen: 0, lastUsed });
    },
  );
});

it('forgetImages leaves out the removed images, at the time of the removal', () => {
  const history = buildHistory({ [a.id]: { firstSeen: 1 }, [b.id]: { firstSeen: 2 } });
  expect(forgetImages(history, [a.id], 9)).toEqual({ ...buildHistory({ [b.id]: { firstSeen: 2 } }), lookedAt: 9 });
});

it('recallImages restores forgotten images, unless they have new entries', () => {
  const { images } = buildHistory({ [a.id]: { firstSeen: 1 }, [b.id]: { firstSeen: 2 } });
  const stored = buildHistory({ [a.id]: { firstSeen: 9 } });
  expect(recallImages(stored, images)).toEqual(buildHistory({ [a.id]: { firstSeen: 9 }, [b.id]: { firstSeen: 2 } }));
});

it('shiftHistory moves every time except for images older than the history, and no time into the future', () => {
  const history = buildHistory({
    old: { firstSeen: 0, lastUsed: 7 },
    new: { firstSeen: 5 },
    latest: { firstSeen: 5, lastUsed: 95 },
  });
  expect(shiftHistory(history, 10, 100)).toEqual({
    ...buildHistory({
      old: { firstSeen: 0, lastUsed: 17 },
      new: { firstSeen: 15 },
      latest: { firstSeen: 15, lastUsed: 100 },
    }),
    startedAt: 10,
    lookedAt: 10,
  });
  expect(shiftHistory(history, -10, 100).images.get('new')).toEqual({ firstSeen: -5 });
  expect(shiftHistory(history, -5, 100).images.get('new')).toEqual({ firstSeen: 1 });
});
