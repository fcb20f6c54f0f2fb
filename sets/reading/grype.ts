import * as z from 'zod';
import { severityOf } from '../reasons/severities.ts';
import { ContentError } from './content-error.ts';
import { chooseNames } from './names.ts';
import { hasField, list, parseReport } from './parse.ts';
import type { ImageReport } from './report.ts';

/**
 * The parts of a report that are read.
 * @see https://github.com/anchore/grype/blob/main/grype/presenter/models/document.go
 */
const reportSchema = z.object({
  matches: z.array(
    z.object({
      vulnerability: z.object({
        id: z.string(),
        severity: z.string().optional(),
        fix: z.object({ state: z.string().default('') }).optional(),
      }),
    }),
  ),
  alertsByPackage: list(z.object({ alerts: z.array(z.object({ type: z.string() })) })),
  source: z.object({ type: z.string(), target: z.unknown() }).nullish(),
  distro: z.object({ name: z.string().default(''), version: z.string().default('') }).nullish(),
});

/** @see https://github.com/anchore/syft/blob/main/syft/source/image_metadata.go */
const targetSchema = z.object({
  userInput: z.string().optional(),
  imageID: z.string().optional(),
  manifestDigest: z.string().optional(),
  tags: list(z.string()),
  repoDigests: list(z.string()),
});

/** True if a document is a report of Grype. */
export function isGrypeReport(document: unknown): boolean {
  return hasField(document, 'matches') && !hasField(document, 'SchemaVersion');
}

/** Reads a report of `grype --output json`. Throws if it can't be read, or names no image. */
export function readGrypeReport(document: unknown): ImageReport {
  const { matches, alertsByPackage, source, distro } = parseReport(reportSchema, document);
  if (source?.type !== 'image')
    throw new ContentError(`the report names no image: it is about a ${source?.type ?? 'missing source'}`);
  const { userInput, imageID, manifestDigest, tags, repoDigests } = parseReport(targetSchema, source.target);
  const isOver = alertsByPackage.some(({ alerts }) => alerts.some(({ type }) => type === 'distro-eol'));
  return {
    scanner: 'grype',
    images: chooseNames({
      digests: repoDigests,
      tags,
      given: userInput,
      id: imageID ?? manifestDigest,
    }),
    findings: matches.map(({ vulnerability: { id, severity, fix } }) => ({
      id,
      severity: severityOf(severity),
      isFixable: fix?.state === 'fixed',
    })),
    endOfLife: isOver ? `${distro?.name ?? ''} ${distro?.version ?? ''}`.trim() || 'its distribution' : undefined,
  };
}
