import { describe, expect, it } from 'vitest';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import { pack } from '~/shared/pack';
import type { Series } from '~/shared/series';
import { latestOf, latestWithRole, mainSeries, seriesOf, seriesWithRole } from '~/shared/streams';
import type { RunView } from '~/shared/view';
import { publishedSetup } from '../support/setups';

const ada = { id: 'u1', name: 'Ada', role: 'operator' as const };

function viewAfter(...events: RunEvent[]): RunView {
  let view = emptyView('run001', {
    seq: 1,
    attempt: 0,
    at: 0,
    event: { type: 'run.created', setup: publishedSetup('reverse'), actor: ada, parent: null },
  });
  for (const event of events) view = fold(view, { seq: view.seq + 1, attempt: 1, at: 1000 + view.seq, event } satisfies Entry);
  return view;
}
const declare = (stream: string, ...columns: (string | Series)[]): RunEvent => ({
  type: 'series',
  stream,
  columns: columns.map((c) => (typeof c === 'string' ? { name: c } : c)),
});
const rows = (stream: string, steps: number[], ...values: number[]): RunEvent => ({
  type: 'rows',
  stream,
  steps: Float64Array.from(steps),
  values: Float64Array.from(values),
});

describe('the streams of a view', () => {
  it('hold the newest row of each, at its own step; a rewind takes back what is at or after its step', () => {
    const events = [
      declare('train', 'loss', 'lr'),
      declare('val', 'val/loss'),
      rows('train', [0, 1, 5], 3, 0.1, 2, 0.1, 1, 0.2),
      rows('val', [3], 2.5),
    ];
    const view = viewAfter(...events);
    expect([view.step, latestOf(view, 'loss'), latestOf(view, 'lr'), latestOf(view, 'val/loss'), latestOf(view, 'no')]).toEqual([
      6,
      1,
      0.2,
      2.5,
      null,
    ]);
    const back = viewAfter(...events, { type: 'rewind', step: 4 });
    expect([back.step, latestOf(back, 'loss'), latestOf(back, 'val/loss')]).toEqual([4, null, 2.5]);
  });

  it('are found by role, the main one of several first, whatever their names', () => {
    const view = viewAfter(
      declare(
        'a',
        { name: 'nll/aux', role: 'loss' },
        { name: '__proto__', role: 'loss', main: true },
        { name: 'g', role: 'gradNorm' },
      ),
      rows('a', [0], 1, 2, 3),
    );
    expect([seriesWithRole(view, 'loss')?.name, latestWithRole(view, 'loss'), mainSeries(view)?.name]).toEqual([
      '__proto__',
      2,
      '__proto__',
    ]);
    expect([latestWithRole(view, 'gradNorm'), seriesWithRole(view, 'accuracy')]).toEqual([3, null]);
  });

  it('are bounded whatever the run declares: series with a role stay, of the others the newest; the rest is counted', () => {
    let view = viewAfter(declare('first', { name: 'my loss', role: 'loss' }, 'plain'));
    for (let i = 0; i < 20_000; i++)
      view = fold(view, {
        seq: view.seq + 1,
        attempt: 1,
        at: 0,
        event: declare(`stream ${i}`, { name: `layer ${i}/${'x'.repeat(i % 400)}`, group: 'layers' }),
      });
    expect([view.streamCount, view.columnCount]).toEqual([20_001, 20_002]);
    const held = seriesOf(view);
    expect(held.length).toBeLessThanOrEqual(256);
    expect(held[0]?.name).toBe('my loss');
    expect(held.at(-1)?.stream).toBe('stream 19999');
    expect(pack(view).length).toBeLessThan(64 * 1024);
    // A row of a stream that the view does not hold moves the step alone; one that it holds in part is read by its places.
    const after = viewAfterOn(view, rows('stream 0', [7], 1), rows('first', [8], 0.5, 9));
    expect([after.step, latestOf(after, 'my loss'), latestOf(after, 'plain')]).toEqual([9, 0.5, null]);
  });
});

function viewAfterOn(view: RunView, ...events: RunEvent[]): RunView {
  let next = view;
  for (const event of events) next = fold(next, { seq: next.seq + 1, attempt: 1, at: 0, event });
  return next;
}
