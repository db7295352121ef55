import { describe, expect, it } from 'vitest';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import { pack } from '~/shared/pack';
import { rowsBetween, rows as rowsSchema, type Series, sameColumns, withPlainSteps } from '~/shared/series';
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

describe('rows', () => {
  const event = {
    type: 'rows' as const,
    stream: 's',
    steps: Float64Array.of(3, 5, 9),
    values: Float64Array.of(1, 2, 3, 4, 5, 6),
  };

  it('are cut where asked, and consecutive steps are written as such', () => {
    expect(rowsBetween(event, 1, 3)).toEqual({ ...event, steps: Float64Array.of(5, 9), values: Float64Array.of(3, 4, 5, 6) });
    expect(withPlainSteps({ ...event, steps: Float64Array.of(-1, 0, 1) }).steps).toEqual({ first: -1, count: 3 });
    expect(withPlainSteps(event)).toBe(event);
  });

  it.each([
    ['steps that do not ascend', { steps: Float64Array.of(3, 3, 4) }, 'row 1: step 3 does not come after step 3'],
    ['half steps', { steps: Float64Array.of(0.5, 1, 2) }, 'row 0: 0.5 is not a step; give a whole number'],
    ['steps beyond 2^53', { steps: { first: 2 ** 53 - 1, count: 3 } }, `step ${2 ** 53 - 1} + 2 is more than 2^53 - 1`],
    ['no row', { steps: new Float64Array(0), values: new Float64Array(0) }, 'at least one row is needed'],
    ['values of no width', { values: new Float64Array(7) }, '7 numbers are not 3 rows of one length'],
    ['too few times', { times: Float64Array.of(1) }, '3 rows need 3 times, got 1'],
    ['a time that is none', { times: Float64Array.of(1, Number.NaN, 3) }, 'a time must be a finite number of ms since 1970'],
  ])('with %s are refused with the field', (_what, change, message) => {
    expect(rowsSchema.safeParse({ ...event, ...change }).error?.issues.map((i) => i.message)).toEqual([message]);
  });

  it('names and steps at their bounds are right', () => {
    const ends = { ...event, stream: 'x'.repeat(512), steps: Float64Array.of(-(2 ** 53 - 1), 0, 2 ** 53 - 1) };
    expect(rowsSchema.safeParse(ends).success).toBe(true);
    expect(rowsSchema.safeParse({ ...event, stream: 'x'.repeat(513) }).success).toBe(false);
  });

  it('a declaration is the same only when every field is', () => {
    expect(sameColumns([{ name: 'a', unit: 's' }], [{ name: 'a', unit: 's' }])).toBe(true);
    expect(sameColumns([{ name: 'a', unit: 's' }], [{ name: 'a' }])).toBe(false);
  });
});
