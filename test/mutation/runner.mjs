/**
 * Runs tests for Stryker in its own process, with everything loaded once: a mutant costs milliseconds, where a fresh vitest costs
 * a second or two. This needs tests that can run again and again; the first run shows it by running each twice.
 */
import { pathToFileURL } from 'node:url';
import { register } from 'tsx/esm/api';

globalThis.__stryker__ ??= {};

class Runner {
  /** @type {Map<string, import('./vitest.mjs').Written>} by id */
  #tests = new Map();
  /** Shared with the changed code: which mutant is active, and which test reaches which. */
  #mutants = globalThis.__stryker__;

  capabilities() {
    return { reloadEnvironment: false };
  }

  static inject = ['options'];
  constructor({ testFiles }) {
    this.testFiles = testFiles;
  }

  /** Also after a mutant that did not come to an end, when Stryker has ended the process and begins another one. */
  async init() {
    register({ tsconfig: 'test/mutation/tsconfig.json' });
    // What a mutant left behind when its test had already failed.
    process.on('unhandledRejection', () => {});
    const load = (file) => import(pathToFileURL(file).href);
    const { collect } = await load('test/mutation/vitest.mjs');
    for (const file of this.testFiles)
      for (const { name, run } of await collect(() => load(file)))
        this.#tests.set(`${file} ${name}`, { file, name, run, timeSpentMs: 0 });
  }

  async dryRun() {
    const tests = [];
    for (const [id, test] of this.#tests) {
      const { file, name, run } = test;
      this.#mutants.currentTestId = id;
      const before = performance.now();
      const failure = (await failureOf(run)) ?? (await failureOf(run));
      test.timeSpentMs = (performance.now() - before) / 2;
      tests.push({ id, name, fileName: file, timeSpentMs: test.timeSpentMs, status: failure ? 1 : 0, failureMessage: failure });
    }
    this.#mutants.currentTestId = undefined;
    // What tests call while they are loaded makes their input: it stays as it is, and the process need not begin anew.
    const { mutantCoverage } = this.#mutants;
    for (const reached of Object.values(mutantCoverage.perTest))
      for (const id of Object.keys(reached)) delete mutantCoverage.static[id];
    return { status: 'complete', tests, mutantCoverage };
  }

  async mutantRun({ activeMutant, testFilter, hitLimit }) {
    Object.assign(this.#mutants, { activeMutant: activeMutant.id, hitCount: 0, hitLimit });
    const cost = (id) => this.#tests.get(id).timeSpentMs;
    const ids = (testFilter ?? [...this.#tests.keys()]).toSorted((a, b) => cost(a) - cost(b));
    try {
      for (const [i, id] of ids.entries()) {
        const failureMessage = await failureOf(this.#tests.get(id).run);
        if (hitLimit !== undefined && this.#mutants.hitCount > hitLimit) return { status: 'timeout', reason: 'an endless loop' };
        if (failureMessage) return { status: 'killed', killedBy: [id], failureMessage, nrOfTests: i + 1 };
      }
      return { status: 'survived', nrOfTests: ids.length };
    } finally {
      this.#mutants.activeMutant = undefined;
    }
  }
}

const failureOf = (run) =>
  run().then(
    () => null,
    (error) => String(error?.message ?? error) || 'failed',
  );

export const strykerPlugins = [{ kind: 'TestRunner', name: 'inProcess', injectableClass: Runner }];
