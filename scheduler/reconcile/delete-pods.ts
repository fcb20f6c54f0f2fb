import pMap from 'p-map';
import { type Cluster, callConcurrency } from '../cluster.ts';

/** Deletes pods concurrently. Tries all of them, and then rejects with the first error. */
export async function deletePods(cluster: Pick<Cluster, 'deletePod'>, pods: readonly string[]): Promise<void> {
  const errors: unknown[] = [];
  const deletePod = (pod: string) => cluster.deletePod(pod).catch((error: unknown) => errors.push(error));
  await pMap(pods, deletePod, { concurrency: callConcurrency });
  if (errors.length > 0) throw errors[0];
}
