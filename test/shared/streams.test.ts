import { describe, expect, it } from 'vitest';
import type { Entry, RunEvent } from '~/shared/events';
import { emptyView, fold } from '~/shared/fold';
import { isLossByName } from '~/shared/lossName';
import type { Series } from '~/shared/series';
import { latestOf, latestWithRole, mainSeries, seriesDrawnAlone, seriesOfRole, seriesWithRole } from '~/shared/streams';
import type { RunView } from '~/shared/view';
import { publishedSetup } from '~/test/support/setups';

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

  it('are represented by the main one, else the loss, else the accuracy', () => {
    const a: Series = { name: 'a', role: 'accuracy' };
    const all: Series[] = [{ name: 'x' }, a, { name: 'l', role: 'loss' }, { name: 'm', main: true }];
    const alone = (...columns: Series[]) => seriesDrawnAlone(viewAfter(declare('s', ...columns)))?.name ?? null;
    expect([alone(...all), alone(...all.slice(0, 3)), alone({ name: 'x' }, a), alone({ name: 'x' })]).toEqual([
      'm',
      'l',
      'a',
      null,
    ]);
  });

  it('are a loss by name where none is declared as the loss', () => {
    const yes = [
      'g_loss',
      'train/total_loss',
      'ceLoss',
      'loss',
      'loss/train',
      'loss.training',
      'Train Loss',
      'head2Loss',
      'loss_1',
    ];
    const no = [
      'val_loss',
      'valLoss',
      'valid_loss',
      'eval/loss',
      'dev-loss',
      'best loss',
      'loss/validation',
      'loss_scale',
      'glossy',
      'lossless',
      'test.loss',
      'acc',
      'acc/train',
      '12',
      '',
    ];
    expect(yes.map(isLossByName)).toEqual(yes.map(() => true));
    expect(no.map(isLossByName)).toEqual(no.map(() => false));
    const columns: Series[] = [{ name: 'val_loss' }, { name: 'd_loss' }, { name: 'g_loss' }];
    const view = viewAfter(declare('a', ...columns), rows('a', [0], 1, 2, 3));
    expect([seriesWithRole(view, 'loss')?.name, latestWithRole(view, 'loss'), seriesWithRole(view, 'accuracy')]).toEqual([
      'd_loss',
      2,
      null,
    ]);
    expect(seriesOfRole(columns, 'loss').map((c) => c.name)).toEqual(['d_loss', 'g_loss']);
    expect(seriesOfRole(columns, 'accuracy')).toEqual([]);
    expect(seriesOfRole([{ name: 'weight_loss', role: 'gradNormOf' }, ...columns], 'loss').map((c) => c.name)).toEqual([
      'd_loss',
      'g_loss',
    ]);
    const several: Series[] = [...columns, { name: 'nll', role: 'loss' }, { name: 'ce', role: 'loss' }];
    expect(seriesOfRole(several, 'loss').map((c) => c.name)).toEqual(['nll', 'ce']);
    const declared = viewAfter(declare('a', ...columns), declare('b', { name: 'nll', role: 'loss' }));
    expect(seriesWithRole(declared, 'loss')?.name).toBe('nll');
  });

  it('hold as many columns as fit: first those without a role go, the oldest stream first, its last column first', () => {
    const named = (prefix: string, count: number, more: Partial<Series> = {}) =>
      Array.from({ length: count }, (_, i): Series => ({ name: `${prefix}${i}`, ...more }));
    const held = (...events: RunEvent[]) => viewAfter(...events).streams.map((s) => [s.name, s.columns.map((c) => c.name), s.at]);
    const names = (prefix: string, from: number, to: number) =>
      named(prefix, to)
        .slice(from)
        .map((c) => c.name);
    const places = (count: number) => Array.from({ length: count }, (_, i) => i);
    // 256 columns fit; of two more, the last two of the first stream that need not stay go.
    const few = [declare('a', ...named('a', 2), { name: 'of', role: 'gradNormOf', of: 'w' }), declare('b', ...named('b', 253))];
    expect(held(...few)).toEqual([
      ['a', ['a0', 'a1', 'of'], null],
      ['b', names('b', 0, 253), null],
    ]);
    const roles = declare('c', { name: 'main', main: true }, { name: 'loss', role: 'loss' });
    expect(held(...few, roles)).toEqual([
      ['a', ['a0'], [0]],
      ['b', names('b', 0, 253), null],
      ['c', ['main', 'loss'], null],
    ]);
    // A stream that holds no column any more is not held.
    expect(held(...few, declare('c', ...named('c', 4)))).toEqual([
      ['b', names('b', 0, 252), places(252)],
      ['c', names('c', 0, 4), null],
    ]);
    // Where all have a role, the oldest of them go too.
    const losses = (stream: string, count: number) => declare(stream, ...named(stream, count, { role: 'loss' }));
    expect(held(losses('a', 200), declare('b', 'plain'), losses('c', 100))).toEqual([
      ['a', names('a', 0, 156), places(156)],
      ['c', names('c', 0, 100), null],
    ]);
  });

  it('hold declarations up to about 24,000 bytes: two for each letter of a name, group, unit or parameter, and 40 more', () => {
    // 40 + 2 x 280 = 600 each, and 40 of them are 24,000.
    const long = (more: Partial<Series>, letters: number) =>
      Array.from({ length: 40 }, (_, i): Series => ({ name: String(i).padStart(letters, '_'), ...more }));
    for (const [more, letters] of [
      [{}, 280],
      [{ group: 'g'.repeat(80) }, 200],
      [{ unit: 'u'.repeat(30) }, 250],
      [{ of: 'o'.repeat(80) }, 200],
    ] as const) {
      expect(viewAfter(declare('a', ...long(more, letters))).streams[0]!.columns.length, `${letters}`).toBe(40);
      expect(viewAfter(declare('a', ...long(more, letters + 1))).streams[0]!.columns.length, `${letters}`).toBe(39);
    }
  });

  it('keep their newest rows and their places when columns go, and take what a later declaration adds', () => {
    const wide = declare('wide', ...Array.from({ length: 250 }, (_, i) => `x${i}`));
    const view = viewAfter(
      declare('first', 'gone', { name: 'loss', role: 'loss' }, 'gone too'),
      {
        type: 'rows',
        stream: 'first',
        steps: { first: 4, count: 2 },
        times: Float64Array.of(7, 8),
        values: Float64Array.of(1, 2, 3, 4, 5, 6),
      },
      wide,
      declare('more', 'a', 'b', 'c', 'd', 'e'),
    );
    const [first] = view.streams;
    expect(first).toEqual({
      name: 'first',
      width: 3,
      columns: [{ name: 'loss', role: 'loss' }],
      at: [1],
      latest: { step: 5, at: 8, values: Float64Array.of(5) },
    });
    const later = viewAfterOn(
      view,
      rows('first', [6], 7, 8, 9),
      declare('first', { name: 'gone' }, { name: 'loss', chance: 2, role: 'loss' }, 'gone too'),
    );
    expect(later.streams[0]).toEqual({
      ...first,
      columns: [{ name: 'loss', role: 'loss', chance: 2 }],
      latest: { step: 6, at: 0, values: Float64Array.of(8) },
    });
    expect(latestOf(later, 'loss')).toBe(8);
    // The array of an event is the event's own.
    const whole = rows('more', [7], 1, 2, 3, 4, 5) as Extract<RunEvent, { type: 'rows' }>;
    const after = viewAfterOn(view, whole);
    whole.values[0] = 99;
    expect(latestOf(after, 'a')).toBe(1);
    // What contradicts the first declaration changes nothing.
    expect(
      viewAfterOn(later, declare('first', 'gone', { name: 'loss', unit: 's' }, 'gone too'), declare('first', 'x', 'y', 'z'))
        .streams[0]!.columns,
    ).toEqual([{ name: 'loss', role: 'loss', chance: 2, unit: 's' }]);
  });

  it('have a best row of the main series: the earlier of equals, in its direction; a new main series begins anew', () => {
    const main = (better: 'lower' | 'higher'): Series => ({ name: 'score', main: true, better });
    const best = (...events: RunEvent[]) => viewAfter(...events).bestRow;
    const higher = [declare('a', 'x', main('higher')), declare('b', 'y')];
    const first = rows('a', [1, 2, 3, 4], 9, 5, 9, 7, 9, 7, 9, Number.NaN);
    expect(best(...higher, first)).toEqual({ name: 'score', step: 2, value: 7 });
    expect(best(...higher, first, rows('b', [9], 100), rows('a', [10], 0, 7))).toEqual({ name: 'score', step: 2, value: 7 });
    expect(best(...higher, first, rows('a', [10], 0, 8))).toEqual({ name: 'score', step: 10, value: 8 });
    expect(best(declare('a', 'x', main('lower')), first)).toEqual({ name: 'score', step: 1, value: 5 });
    expect(best(...higher, rows('a', [1], 9, Number.POSITIVE_INFINITY))).toBeNull();
    expect(best(declare('b', 'y'), declare('a', 'x', main('higher')), first, rows('nosuch', [9], 1))).toMatchObject({ value: 7 });
    expect(best(declare('b', 'y'), rows('b', [1], 3))).toBeNull();
    const renamed = viewAfter(declare('b', { name: 'other', main: true }));
    expect(viewAfterOn({ ...renamed, bestRow: { name: 'score', step: 2, value: -7 } }, rows('b', [20], 3)).bestRow).toEqual({
      name: 'other',
      step: 20,
      value: 3,
    });
    // Of a stream that the view holds in part.
    const wide = declare('wide', ...Array.from({ length: 250 }, (_, i) => `x${i}`));
    const part = viewAfter(declare('first', 'gone', main('higher'), 'gone too'), wide, declare('more', 'a', 'b', 'c', 'd', 'e'));
    expect(viewAfterOn(part, rows('first', [3], 100, 1, 200)).bestRow).toEqual({ name: 'score', step: 3, value: 1 });
  });
});

function viewAfterOn(view: RunView, ...events: RunEvent[]): RunView {
  let next = view;
  for (const event of events) next = fold(next, { seq: next.seq + 1, attempt: 1, at: 0, event });
  return next;
}
