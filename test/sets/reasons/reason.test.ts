import { describe, expect, it } from 'vitest';
import { formatReason, type ReasonFacts } from '../../../sets/reasons/reason.ts';

describe('the reason of an image', () => {
  it.each<[reason: string, facts: ReasonFacts]>([
    ['CVE-1 critical, by trivy', { findings: { kind: 'Worst', id: 'CVE-1', severity: 'CRITICAL', count: 1 } }],
    ['CVE-1 high and 2 more, by trivy', { findings: { kind: 'Worst', id: 'CVE-1', severity: 'HIGH', count: 3 } }],
    ['1 vulnerability, worst low, by trivy', { findings: { kind: 'All', severity: 'LOW', count: 1 } }],
    ['4 vulnerabilities, worst low, by trivy', { findings: { kind: 'All', severity: 'LOW', count: 4 } }],
    ['1 critical vulnerability, by trivy', { findings: { kind: 'OfSeverity', severity: 'CRITICAL', count: 1 } }],
    ['2 critical vulnerabilities, by trivy', { findings: { kind: 'OfSeverity', severity: 'CRITICAL', count: 2 } }],
    ['end of life: alpine 3.12, by trivy', { endOfLife: 'alpine 3.12' }],
    [
      'CVE-1 critical, end of life: alpine 3.12, by trivy',
      { findings: { kind: 'Worst', id: 'CVE-1', severity: 'CRITICAL', count: 1 }, endOfLife: 'alpine 3.12' },
    ],
  ])('is "%s", with its source at the end, whichever producer wrote it (S9, S10, S11)', (reason, facts) => {
    expect(formatReason(facts, 'trivy')).toBe(reason);
  });
});
