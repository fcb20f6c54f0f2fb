import pMap from 'p-map';
import type { HarborApi } from './api.ts';
import { concurrency, pathOf } from './artifacts.ts';
import { ForbiddenError, NotFoundError } from './errors.ts';
import { type Artifact, reportsSchema } from './look/answers.ts';
import type { Criteria } from './look/criteria.ts';
import { type Candidate, type Finding, selectFindings } from './look/vulnerable.ts';

/** Maximum number of reports that are read for reasons alone. Each may have some megabytes. */
export const maxReasonReports = 500;

/**
 * Reads the findings of candidates from their reports, by digest. Only reports show which vulnerabilities have a fix, so that all
 * are read if this decides. Otherwise they only give the IDs: then those of the worst images are read, and none if the account
 * may not read them. A digest is missing if its report was not read, or is not there any more.
 */
export async function readFindings(
  api: HarborApi,
  candidates: readonly Candidate[],
  criteria: Criteria,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, readonly Finding[]>> {
  const wanted = criteria.fixable ? candidates : candidates.slice(0, maxReasonReports);
  const findings = new Map<string, readonly Finding[]>();
  const readOne = async ({ artifact }: Candidate) => {
    const found = await readReport(api, artifact, criteria, signal);
    if (found !== undefined) findings.set(artifact.digest, found);
  };
  try {
    await pMap(wanted, readOne, { concurrency });
  } catch (error) {
    if (criteria.fixable || !(error instanceof ForbiddenError)) throw error;
  }
  return findings;
}

async function readReport(
  api: HarborApi,
  { repository, digest }: Artifact,
  criteria: Criteria,
  signal: AbortSignal,
): Promise<readonly Finding[] | undefined> {
  try {
    const path = `${pathOf(repository)}/artifacts/${digest}/additions/vulnerabilities`;
    const [report] = Object.values(await api.readOne(path, {}, reportsSchema, signal));
    return report && selectFindings(report.vulnerabilities ?? [], criteria);
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
