import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildProduct, productMain } from './cluster/product-bundle.ts';

/** Builds the program once, as it is shipped, in a directory of this test run alone: tests run what users run. */
export async function setup(): Promise<() => Promise<void>> {
  const directory = await mkdtemp(join(tmpdir(), 'nodesweep-bundle-'));
  await buildProduct(directory);
  process.env.NODESWEEP_TEST_BUNDLE = productMain(directory);
  return () => rm(directory, { recursive: true, force: true });
}
