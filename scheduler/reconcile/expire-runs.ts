import { earliest } from '../policy/instants.ts';
import { expire } from '../run/retention.ts';
import { isRemembered, type PolicyStatus } from '../status/status.ts';
import { attempt } from './attempt.ts';
import { type PolicyPass, retryTime } from './context.ts';
import { deletePods } from './delete-pods.ts';
import { podsOf } from './nodes/nodes-to-serve.ts';

/**
 * Deletes pods after their TTL, and records beyond the history limits. It keeps a record until the stored status has its
 * run. Returns when to look again.
 */
export async function expireRuns(pass: PolicyPass, stored: PolicyStatus | undefined): Promise<Date | undefined> {
  const { cluster, journal, object, parsed, now } = pass;
  // The current pods, so that a pod that this pass has deleted is not deleted again.
  const state = cluster.state();
  const { nodes } = state;
  const runs = journal.runs.of(object.name);
  const pods = runs.flatMap((run) => podsOf(state, run));
  const expiry = expire({ runs, pods, nodes }, parsed.valid ? parsed.policy : undefined, now);
  const wakes = [...expiry.podsOf].map(([run, kept]) =>
    deleteInBackground(pass, run, () => cluster.deletePods(run, kept)),
  );
  for (const [run, leftovers] of expiry.leftovers)
    wakes.push(deleteInBackground(pass, run, () => deletePods(cluster, leftovers)));
  const remembered = expiry.records.filter((run) => stored !== undefined && isRemembered(run, object, stored));
  for (const run of remembered) await cluster.deleteRun(run.name);
  if (remembered.length < expiry.records.length) wakes.push(retryTime(pass));
  return earliest([...wakes, expiry.wakeAt]);
}

/** Starts to delete pods of a run, beside the passes; returns when to check that they are gone. */
export function deleteInBackground(pass: PolicyPass, run: string, work: () => Promise<void>): Date {
  const step = { what: `delete the pods of run ${run}`, run, condition: 'Progressing' } as const;
  const heldUntil = pass.journal.troubles.heldUntil(pass.object.uid, step);
  if (heldUntil !== undefined && heldUntil > pass.now) return heldUntil;
  pass.background.begin(step.what, async () => {
    await attempt(pass, step, work);
  });
  return retryTime(pass);
}
