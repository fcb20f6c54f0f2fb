import { type Severity, severities } from '../../reasons/severities.ts';

/** The vulnerabilities that put an image into the set. */
export interface Criteria {
  /** The severities that count, in any order. */
  readonly severities: readonly Severity[];
  /** True if only vulnerabilities count for which a version with a fix exists. */
  readonly fixable: boolean;
}

/** The criteria as text, to tell if they have changed. */
export function formatCriteria(criteria: Criteria | undefined): string {
  if (criteria === undefined) return '';
  return `${countingSeverities(criteria).join(',')}${criteria.fixable ? ' fixable' : ''}`;
}

/** The severities that count, from the worst to the least. */
export function countingSeverities(criteria: Criteria): readonly Severity[] {
  return severities.filter((severity) => criteria.severities.includes(severity));
}

/** The severity with this name, in any case. Undefined for another word: Harbor writes `None` where there is no vulnerability. */
export function readSeverity(text: string | null | undefined): Severity | undefined {
  return severities.find((severity) => severity === text?.toUpperCase());
}
