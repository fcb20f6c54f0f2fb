import type { Severity } from './severities.ts';

/** The vulnerabilities that put an image into a set, as far as a scanner tells them. */
export type ReasonFindings =
  /** The worst of `count` vulnerabilities. */
  | { readonly kind: 'Worst'; readonly id: string; readonly severity: Severity; readonly count: number }
  /** All vulnerabilities, without their IDs. `severity` is that of the worst. */
  | { readonly kind: 'All'; readonly severity: Severity; readonly count: number }
  /** The vulnerabilities of the worst severity, without their IDs. */
  | { readonly kind: 'OfSeverity'; readonly severity: Severity; readonly count: number };

/** The facts that put an image into a set: at least one of them. */
export interface ReasonFacts {
  readonly findings?: ReasonFindings | undefined;
  /** The distribution that gets no more fixes, such as `alpine 3.12`. */
  readonly endOfLife?: string | undefined;
}

/** Writes the reason of an image: `CVE-2026-1234 critical and 2 more, end of life: alpine 3.12, by trivy`. */
export function formatReason({ findings, endOfLife }: ReasonFacts, by: string): string {
  const parts = [
    ...(findings === undefined ? [] : [describeFindings(findings)]),
    ...(endOfLife === undefined ? [] : [`end of life: ${endOfLife}`]),
    `by ${by}`,
  ];
  return parts.join(', ');
}

function describeFindings(findings: ReasonFindings): string {
  const { kind, count } = findings;
  const severity = findings.severity.toLowerCase();
  const vulnerabilities = count === 1 ? 'vulnerability' : 'vulnerabilities';
  switch (kind) {
    case 'Worst':
      return `${findings.id} ${severity}${count > 1 ? ` and ${count - 1} more` : ''}`;
    case 'All':
      return `${count} ${vulnerabilities}, worst ${severity}`;
    case 'OfSeverity':
      return `${count} ${severity} ${vulnerabilities}`;
    default:
      return kind satisfies never;
  }
}
