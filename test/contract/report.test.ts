import { describe, expect, it } from 'vitest';
import type { Outcome, SweepResult } from '../../cleaner/removal/verify.ts';
import { buildFailure, buildReport, type Findings } from '../../cleaner/report/build.ts';
import { exitCodeOf, parseReport, reportSchema } from '../../contract/report.ts';
import { buildImage, buildRemoval } from '../helpers/inventory.ts';

const removal = buildRemoval(buildImage('a.io/app:1', { sizeBytes: 70 }));
const failed: Outcome = { kind: 'failed', reason: 'RemovalFailed', message: 'read-only file system' };
const unknown: Outcome = { kind: 'unknown', reason: 'LookFailed', message: 'no answer' };
const skipped: Outcome = { kind: 'skipped', reason: 'InUse' };
const untried: Outcome = { kind: 'skipped', reason: 'Interrupted' };
const stopped: SweepResult['stopped'] = { reason: 'Interrupted', message: 'asked to stop' };

function buildFindings(
  outcomes: readonly Outcome[],
  fields: Partial<Findings> = {},
  result: Partial<SweepResult> = {},
) {
  const results = outcomes.map((outcome) => ({ removal, outcome }));
  return {
    dryRun: false,
    plan: {
      kept: [{ image: buildImage('a.io/used'), reason: 'InUse', message: 'used by default/web/main' }],
      removals: outcomes.map(() => removal),
    },
    result: { results, spared: [], ...result },
    before: { capacityBytes: 1_000, usedBytes: 900, availableBytes: 100 },
    after: { capacityBytes: 1_000, usedBytes: 840, availableBytes: 160 },
    errors: [],
    ...fields,
  } satisfies Findings;
}

describe('buildReport', () => {
  it('counts every image once, and has measured bytes beside nominal ones (N10, T21)', () => {
    const findings = buildFindings([{ kind: 'removed' }, { kind: 'removed' }, failed, unknown, skipped]);
    expect(buildReport(findings, 12)).toEqual({
      version: 1,
      outcome: 'PartiallyFailed',
      images: { total: 6, inUse: 1, removed: 2, failed: 1, skipped: 1, unknown: 1, kept: 1 },
      bytes: { freed: 60, nominal: 140 },
      filesystem: { capacityBytes: 1_000, usedBeforeBytes: 900, usedAfterBytes: 840 },
      keptByReason: { InUse: { images: 1, bytes: buildImage('a.io/used').sizeBytes } },
      durationMs: 12,
      errors: [
        { image: 'a.io/app:1', reason: 'RemovalFailed', message: 'read-only file system' },
        { image: 'a.io/app:1', reason: 'LookFailed', message: 'no answer' },
      ],
      omitted: 0,
    });
  });

  it('of a dry run has no removed images, the kept images, and the nominal size of the others', () => {
    const report = buildReport({ ...buildFindings([]), dryRun: true, plan: { kept: [], removals: [removal] } }, 1);
    expect(report).toMatchObject({
      outcome: 'DryRun',
      images: { total: 1, removed: 0, kept: 0 },
      bytes: { nominal: 70 },
    });
  });

  it('counts images that were spared as kept, for their reason', () => {
    const spared = [{ image: removal.image, reason: 'BelowThreshold', message: 'enough' }] as const;
    const { images, keptByReason } = buildReport(buildFindings([], {}, { spared }), 1);
    expect(images.kept).toBe(2);
    expect(keptByReason).toMatchObject({ InUse: { images: 1 }, BelowThreshold: { images: 1, bytes: 70 } });
  });

  it('never has a negative number of freed bytes, when other processes filled the disk meanwhile', () => {
    const after = { capacityBytes: 1_000, usedBytes: 999, availableBytes: 1 };
    expect(buildReport(buildFindings([{ kind: 'removed' }], { after }), 1).bytes.freed).toBe(0);
  });

  it('has zeros if the disk could not be measured', () => {
    const report = buildReport(buildFindings([], { before: undefined, after: undefined }), 1);
    expect(report.filesystem).toEqual({ capacityBytes: 0, usedBeforeBytes: 0, usedAfterBytes: 0 });
  });

  it.each<[outcome: string, exitCode: number, what: string, findings: Findings]>([
    ['Succeeded', 0, 'there was nothing to do', buildFindings([])],
    ['Succeeded', 0, 'some images came into use meanwhile', buildFindings([{ kind: 'removed' }, skipped])],
    ['DryRun', 0, 'nothing was to be removed', buildFindings([], { dryRun: true })],
    ['PartiallyFailed', 1, 'a removal failed', buildFindings([{ kind: 'removed' }, failed])],
    ['PartiallyFailed', 1, 'every removal failed', buildFindings([failed])],
    ['PartiallyFailed', 1, 'it is unknown whether one did', buildFindings([unknown])],
    ['PartiallyFailed', 1, 'it was stopped halfway', buildFindings([{ kind: 'removed' }, untried], {}, { stopped })],
    ['Failed', 2, 'it was stopped before the first removal', buildFindings([untried], {}, { stopped })],
  ])('is %s, exit code %i, when %s', (outcome, exitCode, _, findings) => {
    const report = buildReport(findings, 1);
    expect(report.outcome).toBe(outcome);
    expect(exitCodeOf(report)).toBe(exitCode);
  });

  describe('of a run that was to lower disk usage (H15)', () => {
    const disk = { highPercent: 85, lowPercent: 80 };
    const used = (usedBytes: number) => ({ capacityBytes: 1_000, usedBytes, availableBytes: 1_000 - usedBytes });
    const kept = [
      { image: buildImage('a.io/used', { sizeBytes: 900 }), reason: 'InUse', message: 'used' },
      { image: buildImage('a.io/used:2', { sizeBytes: 99 }), reason: 'InUse', message: 'used' },
      { image: buildImage('a.io/base', { sizeBytes: 5 }), reason: 'Excluded', message: 'excluded' },
    ] as const;
    const end = (
      after: number,
      fields: Partial<Findings> = {},
      outcomes: readonly Outcome[] = [{ kind: 'removed' }],
    ) => {
      const findings = buildFindings(outcomes, { disk, before: used(920), after: used(after), ...fields });
      return buildReport({ ...findings, plan: { ...findings.plan, kept } }, 1);
    };

    it('is TargetNotMet if usage stays above lowPercent, with the kept bytes by reason', () => {
      const report = end(850);
      expect(report).toMatchObject({ outcome: 'TargetNotMet', keptBytes: { InUse: 999, Excluded: 5 } });
      expect(report.errors).toEqual([
        {
          reason: 'TargetNotMet',
          message:
            'disk usage is 85.0 %, above lowPercent (80 %): the remaining images have 1004 B, and 850 B are used in all; InUse 999 B; Excluded 5 B',
        },
      ]);
      expect(exitCodeOf(report)).toBe(0);
      expect(parseReport(JSON.stringify(report))).toEqual(report);
    });

    it('also counts images that could not be removed, and is partial then', () => {
      const report = end(850, {}, [failed, { kind: 'removed' }]);
      expect(report).toMatchObject({ outcome: 'PartiallyFailed', keptBytes: { InUse: 999, RemovalFailed: 70 } });
      expect(report.errors.map(({ reason }) => reason)).toEqual(['RemovalFailed', 'TargetNotMet']);
    });

    it.each([
      ['usage is at lowPercent', end(800)],
      ['usage did not require removals', end(840, { before: used(840) })],
      ['the policy has no thresholds', buildReport(buildFindings([], { before: used(920), after: used(920) }), 1)],
      ['usage could not be measured', end(0, { before: undefined, after: undefined })],
    ])('is Succeeded if %s', (_, report) => {
      expect(report).toMatchObject({ outcome: 'Succeeded', errors: [] });
      expect(report.keptBytes).toBeUndefined();
    });

    it('has no TargetNotMet in a dry run', () => {
      expect(end(920, { dryRun: true })).toMatchObject({ outcome: 'DryRun', errors: [] });
    });
  });

  it('of a plan that was refused is Failed, with the reason first, also in a dry run (H16)', () => {
    const refusal = { reason: 'TooManyRemovals', message: '9 of 10 images would go' };
    const plan = { kept: [], removals: [], refusal };
    const errors = [{ reason: 'HistoryNotWritten', message: 'read-only' }];
    const report = buildReport(buildFindings([], { plan, errors }), 1);
    expect(report.errors[0]).toEqual(refusal);
    expect(report.outcome).toBe('Failed');
    const planned = buildReport(buildFindings([], { plan, dryRun: true }), 1);
    expect(planned).toMatchObject({ outcome: 'DryRun', errors: [{ reason: 'TooManyRemovals' }] });
  });

  it('has the reason why it stopped, and the number of images that were left', () => {
    const report = buildReport(buildFindings([{ kind: 'removed' }, untried, untried], {}, { stopped }), 1);
    expect(report.errors).toEqual([{ reason: 'Interrupted', message: '2 images were not tried: asked to stop' }]);
  });
});

describe('of references to remove, the report', () => {
  const tell = (fields: Partial<Findings>, outcomes: readonly Outcome[] = []) =>
    buildReport(buildFindings(outcomes, { removeReferences: ['a.io/used', 'a.io/app:1', 'a.io/gone:1'], ...fields }), 1)
      .references?.indexes;

  it.each<[key: string, outcome: Outcome]>([
    ['Removed', { kind: 'removed' }],
    ['Failed', failed],
    ['Unknown', unknown],
    ['InUse', skipped],
    ['Kept:Interrupted', untried],
  ])('tells the outcome %s (P12)', (key, outcome) => {
    expect(tell({}, [outcome])).toEqual(
      key === 'InUse' ? { InUse: '0-1', Absent: '2' } : { InUse: '0', [key]: '1', Absent: '2' },
    );
  });

  it('does not call one absent while an entry in the list of images cannot be understood (P12)', () => {
    expect(tell({ hasUnreadableImages: true })).toEqual({ InUse: '0', Unknown: '1-2' });
  });

  it.each<[left: string, outcomes: readonly Outcome[]]>([
    ['Failed', [{ kind: 'removed' }, failed]],
    ['Failed', [failed, { kind: 'removed' }]],
    ['Unknown', [unknown, { kind: 'removed' }]],
  ])('tells %s if one of two images with the name may be left (P12)', (left, outcomes) => {
    expect(tell({}, outcomes)).toMatchObject({ [left]: '1' });
  });

  it('says nothing if the job names none', () => {
    expect(buildReport(buildFindings([{ kind: 'removed' }]), 1).references).toBeUndefined();
  });
});

describe('a report with many errors', () => {
  const shout = { reason: 'X', message: `${'ü'.repeat(199)}😀 and so on` };

  it.each([1, 5, 12, 13, 50, 3_000])(
    'of %i fits into a termination message, with the number of omitted errors',
    (count) => {
      const report = buildFailure(Array(count).fill(shout), 1);
      expect(Buffer.byteLength(JSON.stringify(report))).toBeLessThanOrEqual(4_096);
      expect(reportSchema.parse(report)).toEqual(report);
      const intact = report.errors.filter(({ message }) => message === shout.message).length;
      expect(report.omitted).toBe(count - intact);
      expect(report.errors.length).toBeGreaterThan(0);
    },
  );

  it('cuts a single text that is too long', () => {
    const report = buildFailure([{ reason: 'X', message: 'x'.repeat(10_000) }], 1);
    expect(report.errors[0]?.message).toHaveLength(200);
    expect(report.omitted).toBe(1);
  });
});

describe('parseReport', () => {
  it('reads a report that was built', () => {
    const report = buildReport(buildFindings([{ kind: 'removed' }, failed]), 1);
    expect(parseReport(JSON.stringify(report))).toEqual(report);
  });

  it('ignores what a later version adds', () => {
    const report = buildReport(buildFindings([{ kind: 'removed' }, failed]), 1);
    const later = { ...report, added: 1, images: { ...report.images, added: 2 } };
    expect(parseReport(JSON.stringify(later))).toEqual(report);
  });

  it.each(['', 'OOMKilled', '{"version":1,"outcome":"Succ', '{"version":2}', '{}', 'null'])(
    'does not accept %j as a report',
    (text) => {
      expect(parseReport(text)).toBeUndefined();
    },
  );
});
