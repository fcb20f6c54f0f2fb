import { type Job, jobSchema } from '../contract/job.ts';
import { parseCleanup } from '../scheduler/policy/policy.ts';

/** A policy file that can't be used by hand; the message names every problem. */
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
  const { dryRun, activeDeadlineSeconds, images, disk } = parsed.policy;
  const references = { startingReferences: [], workloadReferences: [], prepulledReferences: [] };
  return { version: 1, policy: file, run: 'by-hand', dryRun, activeDeadlineSeconds, images, disk, ...references };
}

/** The job of a policy that leaves everything at its default: whatever is unused would go. */
export function jobOfDefaults(): Job {
  return jobSchema.parse({ version: 1, policy: '<defaults>', run: 'by-hand' });
}

/** Refuses a job that would break a promise of the policy that it can't keep; throws a {@link PolicyFileError}. */
export function refuseUnkeepable(job: Job): Job {
  if (!job.images.protectWorkloads) return job;
  throw new PolicyFileError(
    `${job.policy}:images.protectWorkloads: only the scheduler knows the workloads of the cluster; use a copy of the policy without it, if none of their images need to stay`,
  );
}

/** The facts that a plan made by hand can't take into account. */
export function describeUnkeepable(job: Job): readonly string[] {
  const bound = 'by hand, the images of pods that are about to start are not known: only minAge keeps them';
  if (!job.images.protectWorkloads) return [bound];
  return [bound, 'protectWorkloads keeps nothing here: by hand, the workloads of the cluster are not known'];
}
