import { compareNames } from '../../../contract/text.ts';
import { formatReason, type ReasonFindings } from '../../reasons/reason.ts';
import { type Severity, severities } from '../../reasons/severities.ts';

/** The severities that Trivy has, worst first. */
export const trivySeverities = severities.filter((severity) => severity !== 'NEGLIGIBLE');

/** A number of different vulnerabilities, and the ID of the worst of them if the report names any. */
export interface Found {
  readonly count: number;
  readonly worst?: string | undefined;
}

/** The vulnerabilities of one severity: all of them, and those that a newer version of a package fixes. */
export interface Vulnerabilities {
  readonly all: Found;
  readonly fixable: Found;
}

/** The facts of a report that can put an image into a set. */
export interface Findings {
  readonly vulnerabilities: Readonly<Partial<Record<Severity, Vulnerabilities>>>;
  /** The distribution of the image, such as `alpine 3.12`, if it gets no more fixes. */
  readonly endOfLife?: string | undefined;
}

/** The findings for which an image is in the set. */
export interface Criteria {
  readonly severities: readonly Severity[];
  /** Only vulnerabilities with a fix count. */
  readonly fixable: boolean;
  /** Images of distributions that get no more fixes are in the set, too. */
  readonly endOfLife: boolean;
}

/** The reason for which findings put an image into the set; undefined if they don't. */
export function findReason(findings: Findings, criteria: Criteria): string | undefined {
  const wanted = trivySeverities.filter((severity) => criteria.severities.includes(severity));
  const matching = wanted.flatMap((severity) => {
    const found = findings.vulnerabilities[severity]?.[criteria.fixable ? 'fixable' : 'all'];
    return found === undefined || found.count === 0 ? [] : [{ ...found, severity }];
  });
  const [first] = matching;
  if (first !== undefined) return formatReason({ findings: summarise(first, matching) }, 'trivy');
  if (!criteria.endOfLife || findings.endOfLife === undefined) return undefined;
  return formatReason({ endOfLife: findings.endOfLife }, 'trivy');
}

function summarise(
  { worst, severity }: Found & { readonly severity: Severity },
  matching: readonly Found[],
): ReasonFindings {
  const count = matching.reduce((sum, found) => sum + found.count, 0);
  return worst === undefined ? { kind: 'All', severity, count } : { kind: 'Worst', id: worst, severity, count };
}

/** The worst vulnerability of one severity: by score, then by ID, so that it does not depend on the order. */
export function worstOf(found: ReadonlyMap<string, number>): Found {
  const [worst] = [...found].sort(
    ([one, score], [other, otherScore]) => otherScore - score || compareNames(one, other),
  );
  return { count: found.size, worst: worst?.[0] };
}
