import type { ClusterState } from '../cluster.ts';
import type { RunKind } from '../run/kind.ts';
import type { CleanerLog } from './cleaner-log.ts';

/** The facts that the page shows, at one instant. */
export interface PageFacts {
  readonly state: Pick<ClusterState, 'policies' | 'statuses' | 'runs' | 'nodes' | 'pods' | 'unreadable'>;
  /** The kinds of policies that the scheduler runs. */
  readonly kinds: readonly RunKind[];
  readonly health: PageHealth;
  readonly place: PagePlace;
  /** The version of nodesweep. */
  readonly version: string;
  readonly now: Date;
  /** The log that the page shows, if it shows one. */
  readonly log?: CleanerLog | undefined;
}

/** The state of the process that serves the page. */
export interface PageHealth {
  /** True if the view of the cluster is complete and up to date. */
  readonly isCurrent: boolean;
  /** `Unknown` while the lease can't be read. */
  readonly leader: 'This' | 'Other' | 'Unknown';
}

/** The place of the logs of the cleaners, to tell people how to see them. */
export type PagePlace =
  | { readonly kind: 'Cluster'; readonly namespace: string }
  /** `nodesweep local`: the cleaners write to the same log as the scheduler. */
  | { readonly kind: 'Local' };
