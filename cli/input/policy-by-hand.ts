import { type Job, jobSchema } from '../../contract/job.ts';
import { cleanupJob } from '../../scheduler/cleanup/job.ts';
import { type ChosenPolicy, PolicyFileError } from './choose-policy.ts';

/** The job of a policy for one node, without the facts of a cluster. */
export function jobOfPolicy({ title, document, policy: spec }: ChosenPolicy): Job {
  return jobSchema.parse(cleanupJob({ policy: title, name: 'by-hand', document, spec }, []));
}

/** The job of a policy with all defaults, which would remove every unused image. */
export function jobOfDefaults(): Job {
  return jobSchema.parse({ version: 1, policy: '<defaults>', run: 'by-hand' });
}

/** Refuses a policy that asks for protection which needs a cluster. Throws a {@link PolicyFileError}. */
export function refuseUnkeepable(job: Job): Job {
  if (!job.images.protectWorkloads) return job;
  throw new PolicyFileError(
    `${job.policy}:images.protectWorkloads: only the scheduler knows the workloads of the cluster; if none of their images must be kept, use a copy of the policy without this field`,
  );
}

/** Remarks about the facts that a plan by hand does not have. */
export function describeUnkeepable(job: Job): readonly string[] {
  const bound = 'the images of pods that are about to start are unknown here; only minAge protects them';
  if (!job.images.protectWorkloads) return [bound];
  return [bound, 'protectWorkloads has no effect here, because the workloads of the cluster are unknown'];
}
