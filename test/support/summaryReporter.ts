import type { Reporter, TestModule } from 'vitest/node';

/** Ends the test run with one plain line for log readers: "N passed, N failed, N skipped". */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const m of modules) {
      if (m.errors().length > 0) count.failed++;
      for (const t of m.children.allTests()) count[t.result().state]++;
    }
    console.log(`\n${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`);
  }
}
