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
  /** The policy as it was written when the run started. */
  readonly document: unknown;
  readonly spec: Policy;
  readonly phase: RunPhase;
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
  readonly startedAt: Date;
  readonly finishedAt?: Date | undefined;
  /** With `failurePolicy: Pause`: so many failed nodes somebody has seen and resumed over, and with which request. */
  readonly acknowledgedFailures: number;
  readonly resumedBy?: string | undefined;
  readonly nodes: ReadonlyMap<string, NodeProgress>;
  /** The parts of its record that this version can't read, in a sentence: such a run can only be ended. */
  readonly damage?: string | undefined;
}

/**
 * The parts of a run that are decided before it starts. `resumedBy` is the request to resume that is there already, and
 * not meant for it.
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
