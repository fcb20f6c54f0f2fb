import { join } from 'node:path';
import { buildAll } from '../cluster/binaries.ts';
import { cacheDirectory } from '../cluster/cache.ts';
import { stopCluster } from '../cluster/cluster.ts';
import { installPackages } from '../cluster/packages.ts';

/** The place where the cluster of the end-to-end tests lives. */
export const e2eDirectory = join(cacheDirectory(), 'e2e');

/** Runs once around all end-to-end tests: builds what takes long, and ends whatever the tests started. */
export async function setup(): Promise<() => Promise<void>> {
  if (process.env.KUBECONFIG !== undefined) return async () => {};
  await installPackages();
  await buildAll();
  return () => stopCluster(e2eDirectory);
}
