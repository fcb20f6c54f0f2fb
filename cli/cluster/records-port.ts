import type { ClusterState } from '../../scheduler/cluster.ts';
import type { StoredLease } from '../../scheduler/lease.ts';
import type { RunPod } from '../../scheduler/objects.ts';
import type { Run } from '../../scheduler/run/run.ts';
import type { CleanerLog } from './plans/plan-report.ts';

/** The records of all policies. */
export interface Records extends Pick<ClusterState, 'policies' | 'statuses' | 'runs'> {
  /** The objects that could not be read, with the reason for each. */
  readonly unreadable: readonly string[];
}

/** One run at an instant. */
export interface RunState {
  /** Undefined if the run has no record, or no record any more. */
  readonly run: Run | undefined;
  readonly pods: readonly RunPod[];
}

/** A watch on a run. */
export interface FollowedRun {
  /** Resolves when the state is complete. Calls `onChange` after every later change. */
  start(onChange: () => void): Promise<void>;
  state(): RunState;
  stop(): void;
}

/** Policies and their runs, to read them and to request runs. Every call may reject. */
export interface RecordsPort {
  readRecords(): Promise<Records>;
  /** Sets the annotation on a policy that requests a run. */
  requestRun(policy: string, request: string): Promise<void>;
  /** The lease of the scheduler that is at work; undefined if none ever was. `Forbidden`: the user has no right to read it. */
  readLease(): Promise<StoredLease | 'Forbidden' | undefined>;
  /** The log of the policy's last finished cleaner pod on a node; undefined if there is none. */
  readLastLog(policy: string, node: string): Promise<CleanerLog | undefined>;
  followRun(run: string): FollowedRun;
  close(): Promise<void>;
}
