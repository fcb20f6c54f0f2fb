import type { SetEntry } from '../../contract/images/image-set.ts';
import { formatReason, type ReasonFindings } from '../reasons/reason.ts';
import { type Severity, severities } from '../reasons/severities.ts';
import { ContentError } from './content-error.ts';
import type { Finding, ImageReport } from './report.ts';

/** The images of reports that belong to a set. */
export interface Criteria {
  /** An image with a finding of one of these severities belongs to it. */
  readonly severities: readonly Severity[];
  /** True if only findings count for which there is a fix. */
  readonly isFixableOnly: boolean;
  /** True if an image of a distribution at the end of its life belongs to it, too. */
  readonly isEndOfLife: boolean;
}

/** The entries of one report: none if the image does not meet the criteria. */
export function selectImages(report: ImageReport, criteria: Criteria): readonly SetEntry[] {
  refuseSilence(report, criteria);
  const found = report.findings.filter((finding) => counts(finding, criteria));
  const endOfLife = (criteria.isEndOfLife ? report.endOfLife : undefined) ?? undefined;
  if (found.length === 0 && endOfLife === undefined) return [];
  const reason = formatReason({ findings: summarise(found), endOfLife }, report.scanner);
  return report.images.map((image) => ({ image, reason }));
}

function counts({ severity, isFixable }: Finding, criteria: Criteria): boolean {
  return criteria.severities.includes(severity) && (!criteria.isFixableOnly || isFixable === true);
}

/** A report that does not have what the criteria need would silently name nothing. */
function refuseSilence({ findings, endOfLife }: ImageReport, { isFixableOnly, isEndOfLife }: Criteria): void {
  const advice = 'use the JSON format of the scanner in place of SARIF';
  if (isEndOfLife && endOfLife === null)
    throw new ContentError(`the report does not say if the distribution is at the end of its life: ${advice}`);
  if (isFixableOnly && findings.some(({ isFixable }) => isFixable === undefined))
    throw new ContentError(`the report does not say which findings have a fix: ${advice}`);
}

/** The worst finding, and the number of others. A vulnerability in several packages counts once. */
function summarise(findings: readonly Finding[]): ReasonFindings | undefined {
  const rank = ({ severity }: Finding) => severities.indexOf(severity);
  const [worst] = findings.toSorted((one, other) => rank(one) - rank(other) || (one.id < other.id ? -1 : 1));
  if (worst === undefined) return undefined;
  return { kind: 'Worst', id: worst.id, severity: worst.severity, count: new Set(findings.map(({ id }) => id)).size };
}
