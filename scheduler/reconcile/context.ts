import type { Cluster, ClusterState } from '../cluster.ts';
import type { Copies } from '../copies/copies.ts';
import type { RunJournal } from '../journal/journal.ts';
import type { Journals } from '../journal/journals.ts';
import type { Log } from '../log.ts';
import type { Notifier } from '../notifier.ts';
import type { PolicyObject } from '../objects.ts';
import type { ParsedPolicy } from '../policy/parse.ts';
import type { PullChecks } from '../pull-checks.ts';
import type { RunKind } from '../run/kind.ts';
import type { NodeEnd } from '../run/results/node-end.ts';
import type { Run } from '../run/run.ts';
import type { Opening } from '../run/startup.ts';
import type { BackgroundTasks } from './background-tasks.ts';

/** The parts of a scheduler that the passes over all policies share. */
export interface ReconcileContext {
  readonly cluster: Cluster;
  readonly log: Log;
  readonly journals: Journals;
  readonly background: BackgroundTasks;
  /** The kinds of policies that this scheduler runs. */
  readonly kinds: readonly RunKind[];
  /** The time in milliseconds after which a pod that doesn't start is given up. */
  readonly startTimeoutMs: number;
  readonly observer?: RunObserver | undefined;
  /** Asks registries about images; undefined if this scheduler may not. */
  readonly pullChecks?: Pick<PullChecks, 'begin' | 'verdictsOf' | 'candidatesOf' | 'ageMsOf'> | undefined;
  /** The copies of images on nodes; undefined if this scheduler may not ask registries. */
  readonly copies?: Copies | undefined;
  /** Tells people of problems; undefined if nobody wants to be told. */
  readonly notifier?: Pick<Notifier, 'deliveredOf' | 'observe' | 'forget'> | undefined;
}

/**
 * Receives the runs that this process has started, with the time, those that it has recorded as ended, the nodes on which it
 * has seen the end of a pod, and the causes for which it has removed the startup taint from nodes.
 */
export interface RunObserver {
  readonly observeStart: (run: Run, at: Date) => void;
  readonly observeEnd: (run: Run) => void;
  readonly observeNode: (end: NodeEnd) => void;
  readonly observeOpening?: (cause: Opening['cause']) => void;
}

/** The data of one pass over one policy. */
export interface PolicyPass extends ReconcileContext {
  /** The facts about the runs of the policy that are ahead of their records. */
  readonly journal: RunJournal;
  /** The state of the cluster at the beginning of the pass. */
  readonly state: ClusterState;
  readonly object: PolicyObject;
  readonly parsed: ParsedPolicy;
  readonly now: Date;
  /** True if the policy is deleted, and only what it has left on nodes is taken away. */
  readonly isGone?: boolean | undefined;
}

/** The pause before the next pass after an error, or after another process wrote first. */
const retryDelayMs = 2_000;

/** The instant at which to repeat the unfinished part of a pass. */
export function retryTime({ now }: Pick<PolicyPass, 'now'>): Date {
  return new Date(now.getTime() + retryDelayMs);
}
