import type { JobDocument } from '../../contract/job.ts';
import type { CleanupDocument, CleanupPolicy } from '../policy/policy.ts';
import type { Trigger } from '../policy/trigger.ts';
import { runName } from './names.ts';
import type { NodeProgress } from './progress.ts';

export type RunPhase = 'Running' | 'Paused' | 'Succeeded' | 'Failed';

/** The figures that a cleaner pod's report adds to the run. */
export interface Tally {
  /** The images that a dry run would have removed. */
  readonly planned: number;
  readonly removed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly unknown: number;
  readonly freedBytes: number;
  readonly nominalBytes: number;
}

/** One execution of a policy. */
export interface Run {
  readonly name: string;
  readonly policy: string;
  readonly trigger: Trigger;
  /** The policy as it was written when the run started. */
  readonly document: CleanupDocument;
  readonly spec: CleanupPolicy;
  readonly phase: RunPhase;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly startedAt: Date;
  readonly finishedAt?: Date | undefined;
  /** With `failurePolicy: Pause`: so many failed nodes somebody has seen and resumed over, and with which request. */
  readonly acknowledgedFailures: number;
  readonly resumedBy?: string | undefined;
  readonly nodes: ReadonlyMap<string, NodeProgress>;
}

/**
 * The parts of a run that are decided before it starts. `resumedBy` is the request to resume that is there already, and
 * not meant for it.
 */
export type RunPlan = Pick<Run, 'policy' | 'trigger' | 'document' | 'spec' | 'resumedBy'>;

/** A run that is about to start. */
export function newRun({ policy, trigger, document, spec, resumedBy }: RunPlan, now: Date): Run {
  return {
    name: runName(policy, trigger),
    policy,
    trigger,
    document,
    spec,
    phase: 'Running',
    startedAt: now,
    acknowledgedFailures: 0,
    resumedBy,
    nodes: new Map(),
  };
}

/** The job for the cleaners of a run. What only one node's cleaner needs to know comes with its pod. */
export function jobOf(run: Run, workloadReferences: readonly string[]): JobDocument {
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
  };
}

export function isFinished(run: Run): boolean {
  return run.phase === 'Succeeded' || run.phase === 'Failed';
}
