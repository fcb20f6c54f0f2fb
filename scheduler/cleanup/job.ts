import type { JobDocument } from '../../contract/job.ts';
import type { Run } from '../run/run.ts';
import type { CleanupDocument, CleanupPolicy } from './policy.ts';

/** A run of a cleanup policy. */
export interface CleanupRun extends Run {
  readonly document: CleanupDocument;
  readonly spec: CleanupPolicy;
}

/** The parts of a run that its job depends on. */
type JobSource = Pick<CleanupRun, 'name' | 'policy' | 'document' | 'spec'>;

/** The job for the cleaners of a run. What only one node's cleaner needs to know comes with its pod. */
export function cleanupJob(
  run: JobSource,
  workloadReferences: readonly string[],
  setTimes?: JobDocument['setTimes'],
): JobDocument {
  const { images } = run.document;
  const { disk } = run.spec;
  return {
    version: 1,
    policy: run.policy,
    run: run.name,
    dryRun: run.spec.dryRun,
    activeDeadlineSeconds: run.spec.activeDeadlineSeconds,
    ...(images === undefined ? {} : { images }),
    ...(disk === undefined ? {} : { disk }),
    startingReferences: [],
    workloadReferences: [...workloadReferences],
    prepulledReferences: [],
    ...(setTimes === undefined ? {} : { setTimes }),
  };
}
