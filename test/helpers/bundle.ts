import { join } from 'node:path';

/** The executable of the program as it is shipped, which `test/setup.ts` has built for this test run. */
export function bundledProgram(): string {
  const { NODESWEEP_TEST_BUNDLE: bundle } = process.env;
  if (bundle === undefined) throw new Error('there is no bundle: the tests are started with `npx vitest run`');
  return bundle;
}

/** Keeps compiled code beside the bundle, which halves the time of each start. */
export function compileCache(): NodeJS.ProcessEnv {
  return { NODE_COMPILE_CACHE: join(bundledProgram(), '../compile-cache') };
}
