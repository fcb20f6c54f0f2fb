import * as z from 'zod';
import type { Severity } from '../../reasons/severities.ts';
import { readSeverity } from './criteria.ts';

/** A digest as Harbor writes it. */
const digest = z.string().regex(/^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/, 'must be a digest');

/** The path of a repository, or the name of a project: what the grammar of references allows. */
const path = z.string().regex(/^[a-z0-9]+(?:[._/-]+[a-z0-9]+)*$/, 'must be a path of lower-case letters and digits');

/**
 * A project, as `GET /projects` lists it. A project with a registry is a proxy cache.
 * @see https://github.com/goharbor/harbor/blob/main/api/v2.0/swagger.yaml
 */
export const projectSchema = z
  .object({ project_id: z.int(), name: path, registry_id: z.int().nullish() })
  .transform(({ project_id, name, registry_id }) => ({ id: project_id, name, isProxyCache: (registry_id ?? 0) > 0 }));

export type Project = z.output<typeof projectSchema>;

/** A repository. Its name begins with that of its project. */
export const repositorySchema = z.object({ id: z.int(), name: path });

export type Repository = z.output<typeof repositorySchema>;

const scanSchema = z.object({
  scan_status: z.string(),
  summary: z.object({ fixable: z.int().nullish(), summary: z.record(z.string(), z.int()).nullish() }).nullish(),
});

/** The numbers of vulnerabilities that a finished scan found. */
export interface Scan {
  readonly counts: ReadonlyMap<Severity, number>;
  readonly fixable: number;
}

/** The state of the scan of an artifact. A scan that failed or goes on has no result. */
export type ScanState = 'Finished' | 'Unfinished' | 'NotScanned';

/** An artifact of a repository. `children` are the digests to which an index refers. */
export const artifactSchema = z
  .object({
    id: z.int(),
    digest,
    type: z.string(),
    tags: z.array(z.object({ name: z.string() })).nullish(),
    references: z.array(z.object({ child_digest: digest })).nullish(),
    scan_overview: z.record(z.string(), scanSchema).nullish(),
  })
  .transform(({ id, digest, type, tags, references, scan_overview }) => {
    const scans = Object.values(scan_overview ?? {});
    const finished = scans.find(({ scan_status }) => scan_status === 'Success');
    const scanState: ScanState = finished ? 'Finished' : scans.length > 0 ? 'Unfinished' : 'NotScanned';
    return {
      id,
      digest,
      isImage: type === 'IMAGE',
      tags: (tags ?? []).map(({ name }) => name),
      children: (references ?? []).map(({ child_digest }) => child_digest),
      scanState,
      scan: finished && readScan(finished),
    };
  });

export type ListedArtifact = z.output<typeof artifactSchema>;

/** An artifact with the name of its repository, which begins with that of the project. */
export type Artifact = ListedArtifact & { readonly repository: string };

function readScan({ summary }: z.output<typeof scanSchema>): Scan {
  const counts = Object.entries(summary?.summary ?? {}).flatMap(([name, count]): [Severity, number][] => {
    const severity = readSeverity(name);
    return severity === undefined ? [] : [[severity, count]];
  });
  return { counts: new Map(counts), fixable: summary?.fixable ?? 0 };
}

/** The reports of an artifact, by their media types. Harbor sends the first one that it has. */
export const reportsSchema = z.record(
  z.string(),
  z.object({
    vulnerabilities: z
      .array(z.object({ id: z.string(), severity: z.string().nullish(), fix_version: z.string().nullish() }))
      .nullish(),
  }),
);

/** The information of Harbor about itself. Only who has logged in sees the host of its registry. */
export const systemInfoSchema = z.object({ registry_url: z.string().nullish() });

/** The body of an answer that refuses a request. */
export const refusalSchema = z.object({
  errors: z.array(z.object({ code: z.string(), message: z.string().nullish() })).min(1),
});
