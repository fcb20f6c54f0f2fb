import { buildAll } from '../cluster/binaries.ts';
import { installPackages } from '../cluster/packages.ts';

/** Runs once around the end-to-end tests that do not use the cluster of the others. */
export async function setup(): Promise<void> {
  if (process.env.KUBECONFIG !== undefined) return;
  await installPackages();
  await buildAll();
}
