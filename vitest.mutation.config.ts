import { defineConfig } from 'vitest/config';

/** The tests of the decisions alone: they start no process, and each mutant runs those that reach it. */
export default defineConfig({
  test: {
    testTimeout: 30_000,
    include: [
      'test/{cleaner/history/history,cleaner/plan/{keep-rules,plan,removal-order,shared-layers},contract/images/{reference,glob}}.test.ts',
    ],
  },
});
