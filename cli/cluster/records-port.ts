import type { ClusterState } from '../../scheduler/cluster.ts';
import type { CleanerPod } from '../../scheduler/objects.ts';
import type { Run } from '../../scheduler/run/run.ts';

/** The records of all policies. */
export interface Records extends Pick<ClusterState, 'policies' | 'statuses' | 'runs'> {
  /** The objects that could not be read, with the reason for each. */
  readonly unreadable: readonly string[];
}

/** One run as it is at an instant. */
export interface RunState {
  /** Undefined while there is no record of it, or no longer. */
  readonly run: Run | undefined;
  readonly pods: readonly CleanerPod[];
}

/** A run that is watched. */
export interface FollowedRun {
  /** Resolves once the state is complete; `onChange` is called after every later change of it. */
  start(onChange: () => void): Promise<void>;
  state(): RunState;
  stop(): void;
}

/** Policies and their runs, for those who look at them, or ask for a run. Every call may reject. */
export interface RecordsPort {
  readRecords(): Promise<Records>;
  /** Sets the annotation on a policy that asks for a run. */
  requestRun(policy: string, request: string): Promise<void>;
  followRun(run: string): FollowedRun;
  close(): Promise<void>;
}
