import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.slow.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    maxWorkers: 2,
    // Real processes on a machine shared with others may be starved once; what is wrong fails twice, and a retry is reported.
    retry: process.env.CI === undefined ? 0 : 1,
  },
});
