import { defineConfig } from 'vitest/config';

/** The tests of the decisions alone: they start no process, and each mutant runs those that reach it. */
export default defineConfig({
  test: {
    testTimeout: 30_000,
    include: ['test/cleaner/{history,keep-rules,plan,reference,glob,removal-order,shared-layers}.test.ts'],
  },
});
