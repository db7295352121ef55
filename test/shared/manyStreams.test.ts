import { expect, it } from 'vitest';
import type { RunEvent } from '~/shared/events';
import { fold } from '~/shared/fold';
import { pack } from '~/shared/pack';
import type { Series } from '~/shared/series';
import { latestOf, seriesOf } from '~/shared/streams';
import { viewAtStart } from '~/test/support/views';

it('a view is bounded whatever the run declares: series with a role stay, of the others the newest; the rest is counted', () => {
  let view = { ...viewAtStart(), streams: [], streamCount: 0, columnCount: 0 };
  const add = (event: RunEvent) => {
    view = fold(view, { seq: view.seq + 1, attempt: 1, at: 0, event }) as typeof view;
  };
  const declare = (stream: string, ...columns: Series[]) => add({ type: 'series', stream, columns });
  declare('first', { name: 'my loss', role: 'loss' }, { name: 'plain' });
  for (let i = 0; i < 20_000; i++) declare(`stream ${i}`, { name: `layer ${i}/${'x'.repeat(i % 400)}`, group: 'layers' });
  expect([view.streamCount, view.columnCount]).toEqual([20_001, 20_002]);
  const held = seriesOf(view);
  expect(held.length).toBeLessThanOrEqual(256);
  expect(held[0]?.name).toBe('my loss');
  expect(held.at(-1)?.stream).toBe('stream 19999');
  expect(pack(view).length).toBeLessThan(64 * 1024);
  // A row of a stream that the view does not hold moves the step alone; one that it holds in part is read by its places.
  add({ type: 'rows', stream: 'stream 0', steps: { first: 7, count: 1 }, values: Float64Array.of(1) });
  add({ type: 'rows', stream: 'first', steps: { first: 8, count: 1 }, values: Float64Array.of(0.5, 9) });
  expect([view.step, latestOf(view, 'my loss'), latestOf(view, 'plain')]).toEqual([9, 0.5, null]);
});
