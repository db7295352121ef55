import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** What makes a test need more than a moment or this process: a browser, the product, a thread, a database (SQLite or PostgreSQL), a backend, thousands of lives. */
const whole =
  /support\/(browser|product|backends|app|httpIntake|exportedRun|trainRun|scriptedTrainer|demoServer|postgres)'|child_process|worker_threads|sqlite\/open'|trainer\/backends|'\.\/simulate'/;

const files = readdirSync(new URL('test', import.meta.url), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.test\.tsx?$/.test(file))
  .map((file) => `test/${file.replaceAll('\\', '/')}`);
const needsMore = new Set(files.filter((file) => whole.test(readFileSync(new URL(file, import.meta.url), 'utf8'))));

/**
 * A clean clone knows nothing of earlier runs, so vitest sorts its files by size. The tests of the Python client are one small file that takes a quarter of all the
 * time: at the end, the other process would have nothing to do meanwhile.
 */
class PythonFirst extends BaseSequencer {
  override async sort(all: TestSpecification[]) {
    const sorted = await super.sort(all);
    const python = (file: TestSpecification) => file.moduleId.endsWith('/python.test.ts');
    return [...sorted.filter(python), ...sorted.filter((file) => !python(file))];
  }
}

export default defineConfig({
  resolve: { alias: { '~': fileURLToPath(new URL('.', import.meta.url)) } },
  test: {
    reporters: ['default', './test/support/summaryReporter.ts'],
    // On a loaded machine tests wait for what they await; they do not fail of it.
    testTimeout: 240_000,
    hookTimeout: 600_000,
    expect: { poll: { timeout: 60_000 } },
    // Two cores are the reference machine: more forks than that only make every test slower.
    maxWorkers: 2,
    maxConcurrency: 2,
    sequence: { sequencer: PythonFirst },
    projects: [
      { extends: true, test: { name: 'fast', include: files.filter((file) => !needsMore.has(file)) } },
      { extends: true, test: { name: 'whole', include: [...needsMore] } },
    ],
    coverage: {
      provider: 'v8',
      include: ['{app,server,trainer,shared}/**/*.{ts,tsx}'],
      reporter: ['text-summary', 'html'],
      reportsDirectory: '.build/coverage',
    },
  },
});
