import type { BackgroundTasks } from './background-tasks.ts';
import type { Cluster } from './cluster.ts';
import type { RunJournal } from './journal.ts';
import type { Log } from './log.ts';

/** What a pass needs. */
export interface ReconcileContext {
  readonly cluster: Cluster;
  readonly log: Log;
  /** The runs this process works on, ahead of their records. */
  readonly journal: RunJournal;
  readonly background: BackgroundTasks;
  /** A pod that doesn't start is given up after so many milliseconds. */
  readonly startTimeoutMs: number;
}
