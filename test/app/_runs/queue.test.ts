import { describe, expect, it } from 'vitest';
import { beforeWhich, waitingRuns } from '~/app/_runs/queue';
import { emptyView } from '~/shared/fold';
import type { Actor } from '~/shared/ids';
import { type RunSummary, summarize } from '~/shared/summary';
import type { TrainerSummary } from '~/shared/viewerProtocol';
import { publishedSetup } from '~/test/support/setups';

const ann: Actor = { id: 'ann', name: 'Ann', role: 'admin' };
const run = (runId: string, at: number, changes: Partial<RunSummary> = {}): RunSummary => {
  const event = { type: 'run.created', setup: publishedSetup('reverse'), actor: ann, parent: null } as const;
  return { ...summarize(emptyView(runId, { seq: 1, attempt: 0, at, event }), 0), ...changes };
};
const trainer: TrainerSummary = {
  id: 't1',
  name: 'wasm-1',
  host: 'h',
  connected: false,
  runId: 'held01',
  opened: [],
  recipes: ['Reverse'],
  memoryBytes: 1,
};

describe('the queue in the list', () => {
  const runs = [
    run('third1', 30),
    run('moved1', 40, { queuePosition: 5 }),
    run('first1', 10),
    run('held01', 20, { status: 'waiting' }),
    run('lost01', 20, { status: 'waiting' }),
    run('runs01', 1, { status: 'running' }),
    run('over01', 2, { status: 'stopped' }),
  ];
  const queue = waitingRuns(runs, [trainer]);

  it('has the runs that no trainer holds, by their position', () => {
    expect(queue.map((r) => r.runId)).toEqual(['moved1', 'first1', 'lost01', 'third1']);
  });

  it('one position up or down is before the right one; the ends go no further', () => {
    expect(beforeWhich(queue, 'first1', 'up')).toBe('moved1');
    expect(beforeWhich(queue, 'first1', 'down')).toBe('third1');
    expect(beforeWhich(queue, 'lost01', 'down')).toBe(null);
    expect(beforeWhich(queue, 'moved1', 'up')).toBe(undefined);
    expect(beforeWhich(queue, 'third1', 'down')).toBe(undefined);
    expect(beforeWhich(queue, 'runs01', 'up')).toBe(undefined);
  });
});
