import { describe, expect, it } from 'vitest';
import { jobSchema } from '../../contract/job.ts';

describe('jobSchema', () => {
  it('fills in the documented defaults, with durations in milliseconds', () => {
    expect(jobSchema.parse({ version: 1, policy: 'nightly', run: 'nightly-1' })).toEqual({
      version: 1,
      policy: 'nightly',
      run: 'nightly-1',
      dryRun: false,
      images: {
        include: ['**'],
        exclude: [],
        includeFrom: [],
        excludeFrom: [],
        removeFrom: [],
        minAge: 120_000,
        keepNewestPerRepository: 0,
        keepSideLoaded: true,
        protectWorkloads: false,
        requirePullable: false,
        keepLastCopy: false,
      },
      startingReferences: [],
      workloadReferences: [],
      prepulledReferences: [],
    });
  });

  it.each([
    [{ version: 2 }, ['version']],
    [{ extra: 1 }, []],
    [{ policy: '' }, ['policy']],
    [{ images: { include: ['nginx:*'] } }, ['images', 'include', 0]],
    [{ images: { minAge: '2 minutes' } }, ['images', 'minAge']],
    [{ images: { minAge: '1.5h' } }, ['images', 'minAge']],
    [{ images: { maxUnusedAge: '-7d' } }, ['images', 'maxUnusedAge']],
    [{ images: { keepNewestPerRepository: -1 } }, ['images', 'keepNewestPerRepository']],
    [{ disk: { highPercent: 85, lowPercent: 85 } }, ['disk', 'lowPercent']],
    [{ disk: { highPercent: 85, lowPercent: 80 }, removeReferences: [] }, ['disk']],
    [{ removeReferences: ['a', 1] }, ['removeReferences', 1]],
    [{ disk: { highPercent: 101, lowPercent: 80 } }, ['disk', 'highPercent']],
  ])('rejects %j with the path of the problem', (change, path) => {
    const result = jobSchema.safeParse({ version: 1, policy: 'nightly', run: 'nightly-1', ...change });
    expect(result.error?.issues.map((issue) => issue.path)).toEqual([path]);
  });
});
