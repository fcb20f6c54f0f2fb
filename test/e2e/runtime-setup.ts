import { buildRuntimeBinaries } from '../cluster/binaries.ts';
import { installPackages } from '../cluster/packages.ts';

/** Runs once around the tests of container runtimes by themselves, which need no cluster. */
export async function setup(): Promise<void> {
  if (process.env.KUBECONFIG !== undefined) return;
  await installPackages();
  await buildRuntimeBinaries();
}
