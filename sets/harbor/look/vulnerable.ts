import type { SetEntry } from '../../../contract/images/image-set.ts';
import { compareNames } from '../../../contract/text.ts';
import { formatReason } from '../../reasons/reason.ts';
import { type Severity, severities } from '../../reasons/severities.ts';
import type { Artifact, Scan } from './answers.ts';
import { type Criteria, countingSeverities, readSeverity } from './criteria.ts';

/** A vulnerability in the report of an artifact. */
export interface Finding {
  readonly id: string;
  readonly severity: Severity;
  readonly isFixable: boolean;
}

/** An artifact whose scan has found what the criteria ask for, and how much of it. */
export interface Candidate {
  readonly artifact: Artifact;
  readonly counts: ReadonlyMap<Severity, number>;
}

/** The part of a vulnerability in a report that a finding is made of. */
interface Reported {
  readonly id: string;
  readonly severity?: string | null | undefined;
  readonly fix_version?: string | null | undefined;
}

/**
 * Selects the artifacts with findings, each digest once by its worst scan, those with the worst findings first. With `fixable`
 * the numbers of a scan decide only that some vulnerability has a fix; its report must show that this one counts.
 */
export function selectCandidates(artifacts: readonly Artifact[], criteria: Criteria): readonly Candidate[] {
  const candidates = artifacts.flatMap((artifact) => {
    const counts = artifact.isImage && artifact.scan ? countFindings(artifact.scan, criteria) : new Map();
    return counts.size > 0 ? [{ artifact, counts }] : [];
  });
  const firsts = new Map<string, Candidate>();
  for (const candidate of candidates.toSorted(compareCandidates))
    if (!firsts.has(candidate.artifact.digest)) firsts.set(candidate.artifact.digest, candidate);
  return [...firsts.values()];
}

/** The findings in a report that the criteria ask for, each ID once, the worst first. */
export function selectFindings(
  reported: readonly Reported[],
  { severities: counting, fixable }: Criteria,
): readonly Finding[] {
  const findings = new Map<string, Finding>();
  for (const { id, severity: text, fix_version } of reported) {
    const found = readSeverity(text);
    const isFixable = (fix_version ?? '') !== '';
    if (found === undefined || !counting.includes(found) || (fixable && !isFixable)) continue;
    const earlier = findings.get(id);
    if (earlier === undefined || rank(found) < rank(earlier.severity))
      findings.set(id, { id, severity: found, isFixable });
  }
  return [...findings.values()].toSorted(
    (one, other) => rank(one.severity) - rank(other.severity) || compareNames(one.id, other.id),
  );
}

/** The facts of a look from which the vulnerable images follow. */
export interface VulnerableFacts {
  readonly artifacts: readonly Artifact[];
  readonly candidates: readonly Candidate[];
  /** The findings in the reports that were read, by digest. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>;
  /** The entries of the last look, if it asked for the same vulnerabilities. */
  readonly before: readonly SetEntry[];
}

/**
 * Names the candidates. An image without a finished scan stays in the set if it is there: Harbor scans it again, or that scan has
 * failed, and nothing newer is known. What is in an image never changes. The same is true if a report decides and is missing.
 */
export function nameVulnerable(facts: VulnerableFacts, { fixable }: Criteria): readonly SetEntry[] {
  const { artifacts, candidates, findings, before } = facts;
  const isUnread = ({ artifact }: Candidate) => fixable && !findings.has(artifact.digest);
  const unread = new Set(candidates.filter(isUnread).map(({ artifact }) => artifact.digest));
  const isJudged = ({ digest, scan }: Artifact) => scan !== undefined && !unread.has(digest);
  const judged = new Set(artifacts.filter(isJudged).map(({ digest }) => digest));
  const named = candidates.flatMap((candidate) => {
    const found = findings.get(candidate.artifact.digest) ?? [];
    if (fixable && found.length === 0) return [];
    return nameArtifact(candidate.artifact, describeVulnerable(candidate, found), judged);
  });
  const unjudged = artifacts.filter((artifact) => artifact.isImage && !isJudged(artifact));
  const unjudgedDigests = new Set(unjudged.flatMap(({ digest, children }) => [digest, ...children]));
  const kept = before.filter(({ image }) => unjudgedDigests.has(image) && !judged.has(image));
  return [...named, ...kept];
}

/**
 * Names an artifact by its digest. A node knows an image of an index by the digest of the index or by that of the image, which
 * depends on its runtime. So the images of an index are named with it, except those that have a finished scan of their own.
 */
function nameArtifact(artifact: Artifact, reason: string, judged: ReadonlySet<string>): readonly SetEntry[] {
  const children = artifact.children.filter((digest) => !judged.has(digest));
  return [artifact.digest, ...children].map((image) => ({ image, reason }));
}

/** The reason with the worst finding; without a report, with the number of findings of the worst severity. */
function describeVulnerable({ counts }: Candidate, findings: readonly Finding[]): string {
  const [worst] = findings;
  if (worst !== undefined) {
    const { id, severity } = worst;
    return formatReason({ findings: { kind: 'Worst', id, severity, count: findings.length } }, 'harbor');
  }
  const [[severity, count] = ['CRITICAL' as const, 0]] = counts;
  return formatReason({ findings: { kind: 'OfSeverity', severity, count } }, 'harbor');
}

/** The numbers of findings, the worst severity first, without zeros. */
function countFindings(scan: Scan, criteria: Criteria): ReadonlyMap<Severity, number> {
  if (criteria.fixable && scan.fixable === 0) return new Map();
  const counts = countingSeverities(criteria).map((name) => [name, scan.counts.get(name) ?? 0] as const);
  return new Map(counts.filter(([, count]) => count > 0));
}

function compareCandidates(one: Candidate, other: Candidate): number {
  const differences = severities.map((name) => (other.counts.get(name) ?? 0) - (one.counts.get(name) ?? 0));
  return (
    differences.find((difference) => difference !== 0) ?? compareNames(nameOf(one.artifact), nameOf(other.artifact))
  );
}

function nameOf({ digest, repository }: Artifact): string {
  return `${digest} ${repository}`;
}

function rank(severity: Severity): number {
  return severities.indexOf(severity);
}
