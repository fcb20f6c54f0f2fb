import * as z from 'zod';
import { formatReference, isExplicitHost, parseReference } from '../../../contract/images/reference.ts';
import { cutText } from '../../../contract/text.ts';
import type { Severity } from '../../reasons/severities.ts';
import { type Findings, trivySeverities, type Vulnerabilities, worstOf } from './findings.ts';

/**
 * The fields of a VulnerabilityReport or ClusterVulnerabilityReport (`aquasecurity.github.io/v1alpha1`) that are read. Other
 * scanners write these objects, too, and some leave out what the CRD only describes.
 */
const reportSchema = z.object({
  report: z.object({
    updateTimestamp: z.string().nullish(),
    registry: z.object({ server: z.string().nullish() }).nullish(),
    artifact: z.object({ repository: z.string().nullish(), digest: z.string().nullish(), tag: z.string().nullish() }),
    os: z.object({ family: z.string().nullish(), name: z.string().nullish(), eosl: z.boolean().nullish() }).nullish(),
    summary: z.record(z.string(), z.unknown()).nullish(),
    vulnerabilities: z
      .array(
        z.object({
          vulnerabilityID: z.string(),
          severity: z.string(),
          fixedVersion: z.string().nullish(),
          score: z.number().nullish(),
        }),
      )
      .nullish(),
  }),
});

type ReportData = z.output<typeof reportSchema>['report'];

/** An image and the facts that a report has about it. */
export interface ImageReport {
  /** `repository@digest`, or `repository:tag` if the scanner did not know the digest. */
  readonly image: string;
  /** `repository:tag`, if the report names a tag. */
  readonly tagged?: string | undefined;
  /** The time of the scan, in milliseconds since the epoch; 0 if it is not known. */
  readonly updatedMs: number;
  readonly findings: Findings;
}

/** The image of a report can't be told. */
export type UnreadReport = 'noTagOrDigest' | 'unreadable';

/** Reads the facts of a report. The rest of it is large, and is not kept. */
export function readReport(object: unknown): ImageReport | UnreadReport {
  const data = reportSchema.safeParse(object).data?.report;
  if (data === undefined) return 'unreadable';
  const { digest, tag } = data.artifact;
  if (!digest && !tag) return 'noTagOrDigest';
  const repository = repositoryOf(data);
  if (repository === undefined) return 'unreadable';
  const tagged = tag ? fullName(`${repository}:${tag}`) : undefined;
  const image = digest ? fullName(`${repository}@${digest}`) : tagged;
  if (image === undefined) return 'unreadable';
  return { image, tagged, updatedMs: timeOf(data.updateTimestamp), findings: findingsOf(data) };
}

/** The server of a report always looks like one. Without it, the repository would be one of docker.io. */
function repositoryOf({ registry, artifact: { repository } }: ReportData): string | undefined {
  const server = registry?.server;
  if (!repository || repository.includes('@')) return undefined;
  if (!server) return repository;
  return isExplicitHost(server) ? `${server}/${repository}` : undefined;
}

function fullName(text: string): string | undefined {
  const reference = parseReference(text);
  return reference && formatReference(reference);
}

function timeOf(text: string | null | undefined): number {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? 0 : ms;
}

function findingsOf(data: ReportData): Findings {
  const found = trivySeverities.flatMap((severity) => {
    const vulnerabilities = vulnerabilitiesOf(data, severity);
    return vulnerabilities.all.count === 0 ? [] : [[severity, vulnerabilities] as const];
  });
  const { os } = data;
  const name = [os?.family, os?.name].filter(Boolean).join(' ') || 'its distribution';
  return { vulnerabilities: Object.fromEntries(found), ...(os?.eosl && { endOfLife: cutText(name, maxNameLength) }) };
}

/** Maximum length of the ID of a vulnerability, and of the name of a distribution, in UTF-16 code units. */
const maxNameLength = 60;

/** A vulnerability is listed once for each package that has it, and counts once. A report may have only the summary. */
function vulnerabilitiesOf(data: ReportData, severity: Severity): Vulnerabilities {
  const all = new Map<string, number>();
  const fixable = new Map<string, number>();
  for (const vulnerability of data.vulnerabilities ?? []) {
    if (vulnerability.severity !== severity) continue;
    const id = cutText(vulnerability.vulnerabilityID, maxNameLength);
    const score = vulnerability.score ?? 0;
    all.set(id, Math.max(score, all.get(id) ?? 0));
    if (vulnerability.fixedVersion) fixable.set(id, Math.max(score, fixable.get(id) ?? 0));
  }
  if (all.size > 0) return { all: worstOf(all), fixable: worstOf(fixable) };
  return { all: { count: countIn(data, severity) }, fixable: { count: 0 } };
}

function countIn({ summary }: ReportData, severity: Severity): number {
  const count = summary?.[`${severity.toLowerCase()}Count`];
  return typeof count === 'number' && count > 0 ? count : 0;
}
