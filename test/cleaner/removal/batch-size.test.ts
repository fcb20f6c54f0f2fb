import { describe, expect, it } from 'vitest';
import { nextBatchSize, selectBatch } from '../../../cleaner/removal/batch-size.ts';
import { buildImage, buildRemoval } from '../../helpers/inventory.ts';

describe('selectBatch', () => {
  const queue = (always: boolean, ...sizes: readonly number[]) =>
    sizes.map((freesBytes) => ({ removal: buildRemoval(buildImage('a.io/junk:1'), { always, freesBytes }) }));

  it.each([
    ['all at once without a threshold', queue(false, 1, 2, 3), undefined, 3],
    ['what fits into half of the excess', queue(false, 30, 20, 1), 100, 2],
    ['at least one while there is any', queue(false, 500, 500), 1, 1],
    ['none when there is none', queue(false, 1), 0, 0],
    ['those that always go whatever the excess', [...queue(true, 1, 1), ...queue(false, 1)], -5, 2],
    ['none of an empty queue', [], 100, 0],
  ])('selects %s', (_, tasks, excessBytes, count) => {
    expect(selectBatch(tasks, excessBytes, 50)).toHaveLength(count);
  });

  it('selects no more than it may', () => {
    expect(selectBatch(queue(true, 1, 1, 1), undefined, 2)).toHaveLength(2);
    expect(selectBatch(queue(false, 1, 1, 1), 100, 2)).toHaveLength(2);
  });
});

describe('nextBatchSize', () => {
  it.each([
    ['as many as take two seconds', 50, 50, 2_500, 40],
    ['no more than twice as many', 50, 50, 100, 100],
    ['no fewer because there was little to do', 50, 1, 20, 100],
    ['150 at most', 100, 100, 100, 150],
    ['10 at least, however slow the disk is', 50, 50, 60_000, 10],
    ['more again, once it is faster', 10, 10, 0, 20],
  ])('is %s', (_, size, count, tookMs, next) => {
    expect(nextBatchSize(size, count, tookMs)).toBe(next);
  });
});
