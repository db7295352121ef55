/**
 * What a test imports as `vitest` while the code under it is mutated: the same `expect`, and `it` only writes down what to run
 * (runner.mjs runs it, thousands of times in one process).
 */
import { ASYMMETRIC_MATCHERS_OBJECT, chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend, setState } from '@vitest/expect';

for (const part of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(part);
export const expect = Object.assign((...value) => chai.expect(...value), chai.expect, globalThis[ASYMMETRIC_MATCHERS_OBJECT]);
setState({ assertionCalls: 0 }, expect);

/** One test: its name within its file, and everything to call, hooks included. @typedef {{ name: string, run(): Promise<void> }} Written */
/** @type {Written[]} */
let written = [];
/** The describes around what is being written, outermost first. */
let around = [];
const open = (name) => ({ name, beforeAll: [], afterAll: [], beforeEach: [], afterEach: [] });

/** @returns {Promise<Written[]>} the tests that a file writes down while it is imported */
export async function collect(importFile) {
  written = [];
  around = [open('')];
  await importFile();
  return written;
}

/** As of many groups: what belongs to all of a group runs before and after each of its tests. */
async function runTest(groups, body) {
  try {
    for (const hooks of ['beforeAll', 'beforeEach']) for (const g of groups) for (const hook of g[hooks]) await hook({});
    await body();
  } finally {
    for (const hooks of ['afterEach', 'afterAll'])
      for (const g of groups.toReversed()) for (const hook of g[hooks].toReversed()) await hook({});
  }
}

function forms(one) {
  const each = (values, spread) => (name, a, b) =>
    values.forEach((value, i) => {
      const body = typeof a === 'function' ? a : b;
      one(`${name} (${i})`, () => (spread && Array.isArray(value) ? body(...value) : body(value, {})));
    });
  const skip = () => {};
  return Object.assign((name, a, b) => one(name, typeof a === 'function' ? a : b), {
    each: (values) => each(values, true),
    for: (values) => each(values, false),
    skip,
    skipIf: (no) => (no ? skip : it),
    runIf: (yes) => (yes ? it : skip),
  });
}

const write = (name, body) => {
  const groups = [...around];
  const names = [...groups.map((g) => g.name), name].filter(Boolean);
  written.push({ name: names.join(' > '), run: () => runTest(groups, () => body({})) });
};
export const it = forms(write);
export const test = forms(write);
export const describe = forms((name, body) => {
  around.push(open(String(name)));
  body();
  around.pop();
});

const hook = (kind) => (f) => void around.at(-1)[kind].push(f);
export const [beforeAll, afterAll, beforeEach, afterEach] = ['beforeAll', 'afterAll', 'beforeEach', 'afterEach'].map(hook);
