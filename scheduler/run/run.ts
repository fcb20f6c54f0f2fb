import type { Policy } from '../policy/policy.ts';
import type { Trigger } from '../policy/trigger.ts';
import type { RunKind } from './kind.ts';
import { runName } from './names.ts';
import type { NodeProgress } from './progress.ts';

export type RunPhase = 'Running' | 'Paused' | 'Succeeded' | 'Failed';

/** One execution of a policy. */
export interface Run {
  readonly kind: RunKind;
  readonly name: string;
  readonly policy: string;
  readonly trigger: Trigger;
  /** The document of the policy at the start of the run. */
  readonly document: unknown;
  readonly spec: Policy;
  readonly phase: RunPhase;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly startedAt: Date;
  readonly finishedAt?: Date | undefined;
  /** With `failurePolicy: Pause`: the number of failed nodes when a user resumed the run, and the request. */
  readonly acknowledgedFailures: number;
  readonly resumedBy?: string | undefined;
  readonly nodes: ReadonlyMap<string, NodeProgress>;
  /** The parts of its record that this version can't read, as a sentence. The scheduler can only end such a run. */
  readonly damage?: string | undefined;
}

/**
 * The parts of a run that are decided before it starts. `resumedBy` is a request to resume that is older than the run, so
 * it is not for this run.
 */
export type RunPlan = Pick<Run, 'kind' | 'policy' | 'trigger' | 'document' | 'spec' | 'resumedBy'>;

/** A run that is about to start. */
export function newRun({ kind, policy, trigger, document, spec, resumedBy }: RunPlan, now: Date): Run {
  return {
    kind,
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

export function isFinished(run: Run): boolean {
  return run.phase === 'Succeeded' || run.phase === 'Failed';
}
