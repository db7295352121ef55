import { expect, it } from 'vitest';
import { RunList } from '~/server/runs/runList';
import type { RunSummary } from '~/shared/summary';
import { fakeClock } from '~/test/support/fakeClock';

const line = (runId: string, more: Partial<RunSummary> = {}) => ({ runId, step: 0, ...more }) as RunSummary;

it('lines are sent as they are when they are sent, at most twice a second; the last line of a deleted run once, whatever changes after it', () => {
  const clock = fakeClock();
  const lines = new Map(['a', 'b'].map((id) => [id, line(id)]));
  const list = new RunList(clock, { summary: (id) => lines.get(id) ?? null, trainers: () => [] });
  const sent: RunSummary[][] = [];
  list.join({ runs: (changed) => sent.push(changed), trainers: () => {} });
  const after = (ms: number) => {
    clock.advance(ms);
    return sent.splice(0);
  };

  list.runChanged('a');
  expect(after(0)).toEqual([[line('a')]]);
  list.runChanged('a');
  lines.set('a', line('a', { step: 7 }));
  expect([after(499), after(1)]).toEqual([[], [[line('a', { step: 7 })]]]);

  lines.delete('a');
  list.runRemoved(line('a', { step: 7, gone: true }));
  list.runChanged('a');
  list.runChanged('b');
  expect(after(500)).toEqual([[line('a', { step: 7, gone: true }), line('b')]]);
  list.runChanged('a');
  expect(after(500)).toEqual([]);
});
