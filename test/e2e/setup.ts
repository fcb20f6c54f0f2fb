import { join } from 'node:path';
import { cacheDirectory } from '../cluster/cache.ts';
import { stopCluster } from '../cluster/cluster.ts';

/** Where the cluster of the end-to-end tests lives. */
export const e2eDirectory = join(cacheDirectory(), 'e2e');

/** Runs once around all end-to-end tests: whatever they started ends with them. */
export function setup(): () => Promise<void> {
  return async () => {
    if (process.env.KUBECONFIG === undefined) await stopCluster(e2eDirectory);
  };
}
