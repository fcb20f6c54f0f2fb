import type { ClusterState } from '../cluster.ts';
import type { KnownLosses } from '../run/results/losses.ts';
import { isFinished } from '../run/run.ts';
import { CreationBackoff } from './creation-backoff.ts';
import { Holders } from './holders.ts';
import { RunCache } from './run-cache.ts';
import { Troubles } from './troubles.ts';
import { UnreportedChanges } from './unreported.ts';
import { WritePacing } from './write-pacing.ts';

/** All facts about runs that a process has beyond their records. They can be lost at any time without harm. */
export class RunJournal {
  readonly runs = new RunCache();
  readonly writes = new WritePacing();
  readonly creation = new CreationBackoff();
  readonly unreported = new UnreportedChanges();
  readonly troubles = new Troubles();
  readonly holders = new Holders();
  /** The requests that newer ones replaced, and that this process has handled, by the UID of the policy. */
  readonly judgedRequests = new Map<string, readonly string[]>();
  /** The losses after the last run that this process has judged, by the UID of the policy. */
  readonly losses = new Map<string, KnownLosses>();
  /** The runs whose job exists, as this process has checked. */
  readonly jobs = new Set<string>();

  /** The time since which the policy is gone while it has a ledger, by its UID. */
  readonly goneSince = new Map<string, Date>();
  /** The times since which runs have no policy, by the UID of the record. */
  readonly orphans = new Map<string, Date>();

  /** Stores since when runs have no policy, and removes those that are gone or have their policy back. */
  noteOrphans(present: ReadonlySet<string>, now: Date): void {
    for (const uid of this.orphans.keys()) if (!present.has(uid)) this.orphans.delete(uid);
    for (const uid of present) if (!this.orphans.has(uid)) this.orphans.set(uid, now);
  }

  /** Takes over all records, and removes the policies and runs that are gone. */
  observe({ policies, runs }: Pick<ClusterState, 'policies' | 'runs'>): void {
    const changed = this.runs.observe(runs);
    const names = new Set(runs.map(({ value }) => value.name));
    this.writes.retain(names);
    const uids = new Set(policies.map(({ uid }) => uid));
    for (const uid of this.judgedRequests.keys()) if (!uids.has(uid)) this.judgedRequests.delete(uid);
    for (const uid of this.losses.keys()) if (!uids.has(uid)) this.losses.delete(uid);
    this.creation.retain(names);
    this.troubles.retain(uids, names);
    // Another process has ended the run, or the answer to the last write of this one was lost.
    for (const { value } of changed)
      if (isFinished(value)) for (const uid of uids) this.troubles.forgetRun(uid, value.name);
    for (const run of this.jobs) if (!names.has(run)) this.jobs.delete(run);
  }
}
