import type { ClusterState } from '../cluster.ts';
import { CreationBackoff } from './creation-backoff.ts';
import { RunCache } from './run-cache.ts';
import { Troubles } from './troubles.ts';
import { UntoldChanges } from './untold.ts';
import { WritePacing } from './write-pacing.ts';

/** All that a process remembers of runs beyond their records. It can be lost at any time without harm. */
export class RunJournal {
  readonly runs = new RunCache();
  readonly writes = new WritePacing();
  readonly creation = new CreationBackoff();
  readonly untold = new UntoldChanges();
  readonly troubles = new Troubles();
  /** The requests that newer ones have replaced, and that were judged, by the uid of the policy. */
  readonly judgedRequests = new Map<string, readonly string[]>();
  /** The runs whose job this process has made sure of. */
  readonly jobs = new Set<string>();

  /** Takes over all records, and forgets the policies and runs that are gone. */
  observe({ policies, runs }: Pick<ClusterState, 'policies' | 'runs'>): void {
    this.runs.observe(runs);
    const names = new Set(runs.map(({ value }) => value.name));
    this.writes.retain(names);
    const uids = new Set(policies.map(({ uid }) => uid));
    for (const uid of this.judgedRequests.keys()) if (!uids.has(uid)) this.judgedRequests.delete(uid);
    this.creation.retain(names);
    this.troubles.retain(uids, names);
    for (const run of this.jobs) if (!names.has(run)) this.jobs.delete(run);
  }
}
