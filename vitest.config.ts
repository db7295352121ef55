import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { '~': fileURLToPath(new URL('.', import.meta.url)) } },
  test: {
    include: ['test/**/*.test.ts', 'test/**/*.test.tsx'],
    reporters: ['default', './test/support/summaryReporter.ts'],
    // On a loaded machine tests wait for what they await; they do not fail of it.
    testTimeout: 180_000,
    hookTimeout: 240_000,
    // Two cores are the reference machine: more forks than that only make every test slower.
    maxWorkers: 2,
  },
});
