import pMap from 'p-map';
import { callConcurrency } from '../cluster.ts';
import { expire } from '../run/retention.ts';
import { isRemembered, type PolicyStatus } from '../status/status.ts';
import { type PolicyPass, retryTime } from './context.ts';

/**
 * Deletes pods after their TTL and records beyond the history limits, but no record that the status on record does not
 * remember yet. Returns when to look again.
 */
export async function expireRuns(pass: PolicyPass, stored: PolicyStatus | undefined): Promise<Date | undefined> {
  const { cluster, journal, background, object, parsed, now } = pass;
  // The pods as they are by now: what this pass has deleted already is not deleted again.
  const { pods } = cluster.state();
  const expiry = expire(journal.runs.of(object.name), pods, parsed.valid ? parsed.policy : undefined, now);
  for (const run of expiry.podsOf) background.begin(`delete the pods of run ${run}`, () => cluster.deletePods(run));
  for (const [run, leftovers] of expiry.leftovers)
    background.begin(`delete the pods of run ${run}`, async () => {
      await pMap(leftovers, (pod) => cluster.deletePod(pod), { concurrency: callConcurrency });
    });
  const remembered = expiry.records.filter((run) => stored !== undefined && isRemembered(run, object, stored));
  for (const run of remembered) await cluster.deleteRun(run.name);
  const isUnderWay = expiry.leftovers.size + expiry.podsOf.length > 0 || remembered.length < expiry.records.length;
  return isUnderWay ? retryTime(pass) : expiry.wakeAt;
}
