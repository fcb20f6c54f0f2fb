import * as z from 'zod';
import { severityOf } from '../reasons/severities.ts';
import { chooseNames } from './names.ts';
import { hasField, list, parseReport } from './parse.ts';
import type { ImageReport } from './report.ts';

/**
 * The parts of a report that are read.
 * @see https://github.com/aquasecurity/trivy/blob/main/pkg/types/report.go
 */
const reportSchema = z.object({
  SchemaVersion: z.literal(2, 'the report has another SchemaVersion than 2'),
  ArtifactName: z.string().optional(),
  ArtifactType: z.string().optional(),
  Metadata: z
    .object({
      OS: z
        .object({ Family: z.string().default(''), Name: z.string().default(''), EOSL: z.boolean().default(false) })
        .nullish(),
      ImageID: z.string().optional(),
      RepoTags: list(z.string()),
      RepoDigests: list(z.string()),
    })
    .default({ RepoTags: [], RepoDigests: [] }),
  Results: list(
    z.object({
      Vulnerabilities: list(
        z.object({
          VulnerabilityID: z.string(),
          Severity: z.string().optional(),
          FixedVersion: z.string().default(''),
        }),
      ),
    }),
  ),
});

/** True if a document is a report of Trivy. */
export function isTrivyReport(document: unknown): boolean {
  return hasField(document, 'SchemaVersion');
}

/** Reads a report of `trivy image --format json`. Throws if it can't be read, or names no image. */
export function readTrivyReport(document: unknown): ImageReport {
  const { ArtifactName, ArtifactType, Metadata, Results } = parseReport(reportSchema, document);
  const isImage = ArtifactType === undefined || ArtifactType === 'container_image';
  const { OS, ImageID, RepoTags, RepoDigests } = Metadata;
  return {
    scanner: 'trivy',
    images: chooseNames({
      digests: RepoDigests,
      tags: RepoTags,
      given: isImage ? ArtifactName : undefined,
      id: ImageID,
    }),
    findings: Results.flatMap(({ Vulnerabilities }) => Vulnerabilities).map((found) => ({
      id: found.VulnerabilityID,
      severity: severityOf(found.Severity),
      isFixable: found.FixedVersion !== '',
    })),
    endOfLife: OS?.EOSL ? `${OS.Family} ${OS.Name}`.trim() : undefined,
  };
}
