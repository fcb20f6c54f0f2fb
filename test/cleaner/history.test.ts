import { describe, expect, it } from 'vitest';
import { mergeHistories, updateHistory } from '../../cleaner/history.ts';
import { buildHistory, buildImage, buildInUse, buildInventory, now } from '../helpers/inventory.ts';

const a = buildImage('a.io/a');
const b = buildImage('a.io/b');

describe('updateHistory', () => {
  it('on a first run takes every image for an old one (N8, T25)', () => {
    const usage = buildInventory({ images: [a, b], inUse: buildInUse(b) });
    const history = updateHistory(undefined, usage, now);
    expect(history).toEqual({
      startedAt: now,
      images: new Map([
        [a.id, { firstSeen: 0 }],
        [b.id, { firstSeen: 0, lastUsed: now }],
      ]),
    });
  });

  it('later sees new images first now, and forgets those that are gone (N1)', () => {
    const earlier = buildHistory({ [a.id]: { firstSeen: 5 } });
    const history = updateHistory(earlier, buildInventory({ images: [b] }), now);
    expect(history).toEqual({ startedAt: 0, images: new Map([[b.id, { firstSeen: now }]]) });
  });

  it.each([
    { what: 'used now', finishedAt: undefined, before: undefined, lastUsed: now },
    { what: 'finished before', finishedAt: now - 10, before: undefined, lastUsed: now - 10 },
    { what: 'finished before it was last seen used', finishedAt: now - 10, before: now - 5, lastUsed: now - 5 },
    { what: 'finished in the future, by a clock that was set back', finishedAt: now + 10, before: 1, lastUsed: now },
  ])('takes the last use of an image that is $what (N4)', ({ finishedAt, before, lastUsed }) => {
    const earlier = buildHistory({ [a.id]: { firstSeen: 0, ...(before !== undefined && { lastUsed: before }) } });
    const finished = new Map(finishedAt === undefined ? [] : [[a.id, finishedAt]]);
    const usage = buildInventory({ images: [a], inUse: buildInUse(a), finishedAt: finished });
    expect(updateHistory(earlier, usage, now).images.get(a.id)).toEqual({ firstSeen: 0, lastUsed });
  });
});

it('mergeHistories keeps the later use that either cleaner saw, of images that are still there (T24)', () => {
  const mine = buildHistory({ [a.id]: { firstSeen: 1, lastUsed: 5 } });
  const theirs = buildHistory({ [a.id]: { firstSeen: 1, lastUsed: 9 }, [b.id]: { firstSeen: 1 } });
  expect(mergeHistories(mine, theirs)).toEqual(buildHistory({ [a.id]: { firstSeen: 1, lastUsed: 9 } }));
  expect(mergeHistories(theirs, mine)).toEqual(theirs);
});
