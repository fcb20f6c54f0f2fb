import { defineConfig } from 'vitest/config';

/** End-to-end tests of container runtimes by themselves. They may run beside those of the cluster. */
const withoutCluster = ['test/e2e/node-*.test.ts', 'test/e2e/docker.test.ts'];

const endToEnd = {
  fileParallelism: false,
  isolate: false,
  maxWorkers: 1,
  testTimeout: 300_000,
  hookTimeout: 900_000,
};

export default defineConfig({
  test: {
    coverage: {
      include: ['main.ts', 'cli/**', 'contract/**', 'scheduler/**', 'cleaner/**', 'puller/**'],
      reporter: ['text-summary', 'html'],
    },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/browser/**'],
          globalSetup: ['test/setup.ts'],
          setupFiles: ['test/property-seed.ts'],
          // Most of the time goes into waiting for child processes; on a busy machine they take long to start.
          maxWorkers: 3,
          testTimeout: 90_000,
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...endToEnd,
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          exclude: [...withoutCluster],
          globalSetup: ['test/setup.ts', 'test/e2e/setup.ts'],
        },
      },
      {
        test: {
          ...endToEnd,
          name: 'e2e-runtimes',
          include: [...withoutCluster],
          globalSetup: ['test/setup.ts', 'test/e2e/runtime-setup.ts'],
        },
      },
    ],
  },
});
