/** Severities of vulnerabilities, from the worst to the least. Scanners have different subsets of them. */
export const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'NEGLIGIBLE', 'UNKNOWN'] as const;

export type Severity = (typeof severities)[number];

/** The severity that a scanner means, in any case. An unknown word means an unknown severity. */
export function severityOf(text: string | undefined): Severity {
  const word = text?.toUpperCase();
  return severities.find((severity) => severity === word) ?? 'UNKNOWN';
}
