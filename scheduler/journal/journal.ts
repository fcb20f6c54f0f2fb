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

  /** Since when runs are without their policy, by the uid of the record. */
  readonly orphans = new Map<string, Date>();

  /** Remembers since when runs are without their policy, and forgets those that are gone or have it back. */
  noteOrphans(present: ReadonlySet<string>, now: Date): void {
    for (const uid of this.orphans.keys()) if (!present.has(uid)) this.orphans.delete(uid);
    for (const uid of present) if (!this.orphans.has(uid)) this.orphans.set(uid, now);
  }

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
