/** Severities from the worst to the least. Scanners have different subsets of them. */
export const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'NEGLIGIBLE', 'UNKNOWN'] as const;

export type Severity = (typeof severities)[number];

/** A vulnerability in an image. */
export interface Finding {
  /** The identifier, such as `CVE-2026-1234`. */
  readonly id: string;
  readonly severity: Severity;
  /** True if a version without the vulnerability exists; undefined if the report does not say. */
  readonly isFixable: boolean | undefined;
}

/** The report of a scanner about one image. */
export interface ImageReport {
  /** The name of the scanner. */
  readonly scanner: string;
  /** References by digest, or by tag if the report has no digest; at least one. */
  readonly images: readonly string[];
  readonly findings: readonly Finding[];
  /** The distribution that is at the end of its life; undefined if it is not, and null if the report does not say. */
  readonly endOfLife: string | undefined | null;
}

/** Words for the findings of an image, which the worst of them begins: `CVE-2026-1234 critical and 2 more`. */
export function describeFindings(
  { id, severity }: { readonly id: string; readonly severity: string },
  count: number,
): string {
  return `${id} ${severity.toLowerCase()}${count > 1 ? ` and ${count - 1} more` : ''}`;
}

/** The severity that a scanner means, in any case. An unknown word means an unknown severity. */
export function severityOf(text: string | undefined): Severity {
  const word = text?.toUpperCase();
  return severities.find((severity) => severity === word) ?? 'UNKNOWN';
}
