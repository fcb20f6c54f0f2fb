import { describe, expect, it } from 'vitest';
import { severities } from '../../../../sets/reasons/severities.ts';
import { type Criteria, findReason } from '../../../../sets/trivy/images/findings.ts';
import { type ImageReport, readReport } from '../../../../sets/trivy/images/report.ts';
import { buildReport, type ReportFields } from '../../../helpers/trivy-report.ts';

const digest = `sha256:${'ab'.repeat(32)}`;

const read = (fields: ReportFields): ImageReport => {
  const report = readReport(buildReport(fields));
  if (typeof report === 'string') throw new Error(`the report is ${report}`);
  return report;
};

describe('readReport', () => {
  it.each<[fields: ReportFields, image: string]>([
    [{ repository: 'library/nginx', tag: '1.16', digest }, `docker.io/library/nginx@${digest}`],
    [{ repository: 'nginx', tag: '1.16' }, 'docker.io/library/nginx:1.16'],
    [{ repository: 'acme/api', digest }, `docker.io/acme/api@${digest}`],
    [{ server: 'docker.io', repository: 'nginx', tag: '1.16' }, 'docker.io/library/nginx:1.16'],
    [{ server: '', repository: 'acme/api', tag: '1' }, 'docker.io/acme/api:1'],
    [{ server: 'registry.example.com:5000', repository: 'a/b/c', tag: '1' }, 'registry.example.com:5000/a/b/c:1'],
    [{ server: 'quay.io', repository: 'acme/api', tag: '', digest }, `quay.io/acme/api@${digest}`],
    [{ server: 'quay.io', repository: 'acme/api', tag: '1', digest: '' }, 'quay.io/acme/api:1'],
  ])('names the image by its digest if the report has one, else by its tag: %j (S9)', (fields, image) => {
    expect(read(fields).image).toBe(image);
  });

  it('skips a report without tag and digest, and one that can be about any image (S9)', () => {
    expect(readReport(buildReport({}))).toBe('noTagOrDigest');
    expect(readReport(buildReport({ tag: '', digest: '' }))).toBe('noTagOrDigest');
    const unreadable: readonly ReportFields[] = [
      { repository: '', tag: '1' },
      { repository: 'Acme/API', tag: '1' },
      { repository: 'acme/**', tag: '1' },
      { repository: 'acme/api', tag: '*' },
      { repository: 'acme/api', tag: '1', digest: 'sha256:abc' },
      { repository: `acme/api@${digest}`, tag: '1' },
      { server: 'registry', repository: 'acme/api', tag: '1' },
      { server: 'https://quay.io', repository: 'acme/api', tag: '1' },
    ];
    for (const fields of unreadable) expect(readReport(buildReport(fields)), JSON.stringify(fields)).toBe('unreadable');
    for (const object of [undefined, null, 'text', {}, { report: null }, { report: { artifact: 'nginx' } }])
      expect(readReport(object)).toBe('unreadable');
  });

  it('reads a report with only what the CRDs require, and one of a scanner that fills in only the summary (S9)', () => {
    const { report } = buildReport({ tag: '1' });
    const bare = { report: { artifact: report.artifact, summary: { criticalCount: 2, highCount: 0 } } };
    expect(readReport(bare)).toMatchObject({
      image: 'docker.io/library/nginx:1',
      updatedMs: 0,
      findings: { vulnerabilities: { CRITICAL: { all: { count: 2 }, fixable: { count: 0 } } } },
    });
  });
});

describe('findReason', () => {
  const reasonOf = (fields: ReportFields, criteria: Partial<Criteria>) =>
    findReason(read({ tag: '1', ...fields }).findings, {
      severities: ['CRITICAL'],
      fixable: false,
      endOfLife: false,
      ...criteria,
    });
  const vulnerabilities = [
    'CVE-2026-5 HIGH 8.9 2.0',
    'CVE-2026-3 CRITICAL 9.1',
    'CVE-2026-2 CRITICAL 9.8',
    'CVE-2026-1 CRITICAL 9.8',
    'CVE-2026-1 CRITICAL 9.8',
    'CVE-2026-4 CRITICAL 9.0 2.0',
  ];
  const old = { eosl: true, name: '3.12' };

  it.each<[reason: string | undefined, fields: ReportFields, criteria: Partial<Criteria>]>([
    ['CVE-2026-1 critical and 3 more, by trivy', { vulnerabilities }, {}],
    ['CVE-2026-1 critical and 4 more, by trivy', { vulnerabilities }, { severities: ['HIGH', 'CRITICAL'] }],
    ['CVE-2026-4 critical, by trivy', { vulnerabilities }, { fixable: true }],
    ['CVE-2026-4 critical and 1 more, by trivy', { vulnerabilities }, { fixable: true, severities: [...severities] }],
    ['CVE-2026-5 high, by trivy', { vulnerabilities }, { severities: ['HIGH'] }],
    [undefined, { vulnerabilities }, { severities: ['MEDIUM', 'LOW'] }],
    [undefined, { vulnerabilities: vulnerabilities.slice(1, 3) }, { fixable: true }],
    [undefined, { vulnerabilities: [] }, {}],
    [undefined, { os: old }, {}],
    ['end of life: alpine 3.12, by trivy', { os: old }, { endOfLife: true }],
    ['end of life: its distribution, by trivy', { os: { eosl: true, family: '', name: '' } }, { endOfLife: true }],
    [undefined, { os: { eosl: false } }, { endOfLife: true }],
    ['CVE-2026-5 high, by trivy', { vulnerabilities, os: old }, { severities: ['HIGH'], endOfLife: true }],
  ])('gives the reason %s (S9)', (reason, fields, criteria) => {
    expect(reasonOf(fields, criteria)).toBe(reason);
  });

  it('gives the same reason in any order of the vulnerabilities (S9)', () => {
    const reversed = reasonOf({ vulnerabilities: vulnerabilities.toReversed() }, { severities: [...severities] });
    expect(reversed).toBe(reasonOf({ vulnerabilities }, { severities: [...severities] }));
  });

  it('counts what only the summary has (S9)', () => {
    const summary = { vulnerabilities: { HIGH: { all: { count: 3 }, fixable: { count: 0 } } } };
    const criteria = { severities: ['HIGH'], fixable: false, endOfLife: false } as const;
    expect(findReason(summary, criteria)).toBe('3 vulnerabilities, worst high, by trivy');
    expect(findReason(summary, { ...criteria, fixable: true })).toBeUndefined();
  });
});
