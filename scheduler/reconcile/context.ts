import type { Cluster, ClusterState } from '../cluster.ts';
import type { RunJournal } from '../journal/journal.ts';
import type { Journals } from '../journal/journals.ts';
import type { Log } from '../log.ts';
import type { PolicyObject } from '../objects.ts';
import type { ParsedPolicy } from '../policy/parse.ts';
import type { RunKind } from '../run/kind.ts';
import type { Run } from '../run/run.ts';
import type { BackgroundTasks } from './background-tasks.ts';

/** The parts of a scheduler that the passes over all policies use. */
export interface ReconcileContext {
  readonly cluster: Cluster;
  readonly log: Log;
  readonly journals: Journals;
  readonly background: BackgroundTasks;
  /** The kinds of policies that are run. */
  readonly kinds: readonly RunKind[];
  /** A pod that doesn't start is given up after so many milliseconds. */
  readonly startTimeoutMs: number;
  readonly observer?: RunObserver | undefined;
}

/** Hears of the runs that this process has started, and when, and of those that it has recorded as ended. */
export interface RunObserver {
  readonly observeStart: (run: Run, at: Date) => void;
  readonly observeEnd: (run: Run) => void;
}

/** All that one pass has in hand for one policy. */
export interface PolicyPass extends ReconcileContext {
  /** The runs of the policy that this process works on, ahead of their records. */
  readonly journal: RunJournal;
  /** The cluster as it was when the pass began. */
  readonly state: ClusterState;
  readonly object: PolicyObject;
  readonly parsed: ParsedPolicy;
  readonly now: Date;
}

/** After an error, or when somebody else was faster, everything is decided anew, but not sooner. */
const retryDelayMs = 2_000;

/** The instant at which to repeat what a pass could not finish. */
export function retryTime({ now }: Pick<PolicyPass, 'now'>): Date {
  return new Date(now.getTime() + retryDelayMs);
}
