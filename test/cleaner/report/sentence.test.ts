import { describe, expect, it } from 'vitest';
import { describeReport } from '../../../cleaner/report/sentence.ts';
import type { KeepReason } from '../../../contract/keep-reason.ts';
import type { Report } from '../../../contract/report.ts';
import { buildReport } from '../../helpers/builders.ts';

const GiB = 1024 ** 3;
const keptByReason = { InUse: { images: 3, bytes: 30 }, TooYoung: { images: 2, bytes: 20 } } satisfies {
  [reason in KeepReason]?: object;
};
const images = { total: 19, inUse: 3, removed: 14, failed: 0, skipped: 0, unknown: 0, kept: 5 };
const bytes = { freed: 12.4 * GiB, nominal: 14 * GiB };
const readOnly = { image: 'docker.io/acme/app:1', reason: 'RemovalFailed', message: 'read-only file system' };

describe('the sentence at the end of a cleaner (H60)', () => {
  it.each<[sentence: string, report: Partial<Report>]>([
    ['freed 12.4 GiB on node-1: 14 images removed, 3 in use, 2 too young', { images, bytes }],
    ['removed nothing on node-1: 3 in use, 2 too young', { images: { ...images, removed: 0 } }],
    ['removed nothing on node-1', { images: { ...images, total: 0, removed: 0 }, keptByReason: {} }],
    [
      'dry run: would remove 14 images (14 GiB) on node-1: 3 in use, 2 too young',
      { outcome: 'DryRun', images: { ...images, removed: 0 }, bytes },
    ],
    [
      'freed 12.4 GiB on node-1: 1 image removed, 1 not removable, 2 skipped, 1 perhaps still there, 3 in use, 2 too young; RemovalFailed: docker.io/acme/app:1: read-only file system',
      {
        outcome: 'PartiallyFailed',
        images: { ...images, removed: 1, failed: 1, skipped: 2, unknown: 1 },
        bytes,
        errors: [readOnly],
      },
    ],
    [
      'removed nothing on node-1: RuntimeUnreachable: no socket',
      {
        outcome: 'Failed',
        images: { ...images, total: 0, removed: 0 },
        keptByReason: undefined,
        errors: [{ reason: 'RuntimeUnreachable', message: 'no socket' }],
      },
    ],
  ])('is "%s"', (sentence, report) => {
    expect(describeReport(buildReport({ keptByReason, ...report }), 'node-1')).toBe(sentence);
  });

  it('names every reason to keep images, also one that it does not know', () => {
    const reasons = { SideLoaded: { images: 1, bytes: 1 }, OfAnotherVersion: { images: 2, bytes: 2 } };
    const sentence = describeReport(buildReport({ images, bytes, keptByReason: reasons }), 'a');
    expect(sentence).toContain('1 that no registry has, 2 OfAnotherVersion');
  });
});
