import type { Job } from '../cleaner/job.ts';
import { parseCleanup } from './policy.ts';

/** A policy file that can't be used for a clean by hand; the message names every problem. */
export class PolicyFileError extends Error {
  override readonly name = 'PolicyFileError';
}

/** The job of a policy document for one node, without what only a cluster knows; throws a {@link PolicyFileError}. */
export function jobOfPolicy(file: string, text: string): Job {
  const parsed = parseCleanup(text);
  if (!parsed.valid) {
    const list = parsed.problems.map(({ path, message }) => `${file}:${path}: ${message}`);
    throw new PolicyFileError(list.join('; '));
  }
  const { dryRun, images, disk } = parsed.policy;
  const references = { startingReferences: [], workloadReferences: [], prepulledReferences: [] };
  return { version: 1, policy: file, run: 'by-hand', dryRun, images, disk, ...references };
}
