// Which tests run how. Five projects, from quick to slow: `npm run verify` runs the first alone,
// `npm test` runs all of them. Tests import the TypeScript sources; only e2e needs a build.
//
// A contract suite against the in-memory twin is named `*.test.ts` and is quick; the same suite against
// a real nats-server lives in test/integration.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Two cores: more workers than that only make servers and nodes starve each other. */
const workersMax = 2;

export default defineConfig({
  root,
  test: {
    passWithNoTests: true,
    maxWorkers: workersMax,
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          include: ['test/unit/**/*.test.ts', 'test/contract/**/*.test.ts'],
          testTimeout: 10_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'sim',
          include: ['test/sim/**/*.test.ts'],
          testTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 2 },
        },
      },
      {
        extends: true,
        test: {
          name: 'chaos',
          include: ['test/chaos/**/*.test.ts'],
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 60_000,
          sequence: { groupOrder: 3 },
        },
      },
      {
        extends: true,
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
