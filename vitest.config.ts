import { defineConfig } from 'vitest/config';

/** End-to-end tests that do not use the cluster of the others. They may run beside them. */
const apart = [
  'test/e2e/node-*.test.ts',
  'test/e2e/docker.test.ts',
  'test/e2e/scale.test.ts',
  'test/e2e/monitoring.test.ts',
  'test/e2e/registry-check.test.ts',
  'test/e2e/install/{chart,executable,kustomize,workflows}.test.ts',
];

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
      include: ['main.ts', 'cli/**', 'contract/**', 'scheduler/**', 'cleaner/**', 'puller/**', 'sets/**'],
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
          exclude: [...apart],
          globalSetup: ['test/setup.ts', 'test/e2e/setup.ts'],
        },
      },
      {
        test: {
          ...endToEnd,
          name: 'e2e-apart',
          include: [...apart],
          globalSetup: ['test/setup.ts', 'test/e2e/setup-apart.ts'],
        },
      },
    ],
  },
});
