import { describe, expect, it } from 'vitest';
import { betterOf, isBetter, joinedColumns, repeatedName, sameColumns } from '~/shared/columns';
import { firstAt, rowsBetween, stepWith, withPlainSteps } from '~/shared/rows';
import { MAX_ROWS, rows as rowsSchema, type Series } from '~/shared/series';

describe('rows', () => {
  const event = {
    type: 'rows' as const,
    stream: 's',
    steps: Float64Array.of(3, 5, 9),
    values: Float64Array.of(1, 2, 3, 4, 5, 6),
  };

  it('are cut where asked, with their times', () => {
    const times = Float64Array.of(30, 50, 90);
    const cut = { ...event, steps: Float64Array.of(5, 9), values: Float64Array.of(3, 4, 5, 6) };
    expect(rowsBetween(event, 1, 3)).toEqual(cut);
    expect(rowsBetween({ ...event, times }, 1, 3)).toEqual({ ...cut, times: Float64Array.of(50, 90) });
    expect(rowsBetween({ ...event, steps: { first: 7, count: 3 } }, 1, 3)).toEqual({ ...cut, steps: { first: 8, count: 2 } });
  });

  it('are found by their step: the first that is not below it', () => {
    const steps = Float64Array.of(-3, 0, 2, 7);
    expect([-9, -3, -1, 0, 1, 2, 5, 7, 8].map((step) => firstAt(steps, step))).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 4]);
    expect(firstAt(new Float64Array(0), 1)).toBe(0);
  });

  it('put the run at the step after the last of them; only the first rows of a run that begins at 0 may lie below', () => {
    const first = (step: number) => ({ ...event, steps: { first: step, count: 2 } });
    const stepAfter = (step: number, at: number, begun: boolean) => stepWith(first(step), at, () => begun);
    expect([stepAfter(3, 2, true), stepAfter(0, 4, true), stepAfter(3, 5, true)]).toEqual([5, 4, 5]);
    expect([stepAfter(-9, 0, false), stepAfter(-9, 0, true), stepAfter(-9, 4, false)]).toEqual([-7, 0, 4]);
    expect(stepAfter(Number.MAX_SAFE_INTEGER - 1, 0, true)).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('leave a run no step short of what it has recorded', () => {
    const text = { type: 'media', name: 'out', kind: 'text', text: 'a', step: 40 } as const;
    const at = (step: number) => stepWith(text, step, () => false);
    expect([at(0), at(40), at(41)]).toEqual([40, 40, 41]);
    expect(stepWith({ type: 'alert', level: 'info', kind: 'script', message: 'a', step: 40 }, 0, () => false)).toBe(0);
  });

  it('of consecutive steps are written as a range', () => {
    expect(withPlainSteps({ ...event, steps: Float64Array.of(-1, 0, 1) }).steps).toEqual({ first: -1, count: 3 });
    expect(withPlainSteps(event)).toBe(event);
  });

  const tooMany = MAX_ROWS + 1;
  it.each([
    ['steps that do not ascend', { steps: Float64Array.of(3, 3, 4) }, 'steps: row 1: step 3 does not come after step 3'],
    ['half steps', { steps: Float64Array.of(0.5, 1, 2) }, 'steps: row 0: 0.5 is not a step; give a whole number'],
    ['steps beyond 2^53', { steps: { first: 2 ** 53 - 3, count: 4 } }, `steps: step ${2 ** 53 - 3} + 3 is more than 2^53 - 1`],
    ['no row', { steps: new Float64Array(0), values: new Float64Array(0) }, 'steps: at least one row is needed'],
    [
      'too many rows',
      { steps: Float64Array.from({ length: tooMany }, (_, i) => i), values: new Float64Array(tooMany) },
      'steps: 65537 rows are more than the 65536 of one event',
    ],
    ['values of no width', { values: new Float64Array(7) }, 'values: 7 numbers are not 3 rows of one length'],
    ['no value', { values: new Float64Array(0) }, 'values: 0 numbers are not 3 rows of one length'],
    ['too few times', { times: Float64Array.of(1) }, 'times: 3 rows need 3 times, got 1'],
    [
      'a time that is none',
      { times: Float64Array.of(1, Number.NaN, 3) },
      'times: give ms since 1970, from -8.64e15 to 8.64e15, not NaN',
    ],
  ])('with %s are refused with the field', (_what, change, message) => {
    const issues = rowsSchema.safeParse({ ...event, ...change }).error?.issues ?? [];
    expect(issues.map((i) => `${i.path}: ${i.message}`)).toEqual([message]);
  });

  it('names, steps, times and numbers of rows at their bounds are right', () => {
    const ends = { ...event, stream: 'x'.repeat(512), steps: Float64Array.of(-(2 ** 53 - 1), 0, 2 ** 53 - 1) };
    expect(rowsSchema.safeParse(ends).success).toBe(true);
    expect(rowsSchema.safeParse({ ...event, stream: 'x'.repeat(513) }).success).toBe(false);
    expect(
      rowsSchema.safeParse({ ...event, steps: { first: 2 ** 53 - 3, count: 3 }, times: Float64Array.of(1, 2, 3) }).success,
    ).toBe(true);
    const most = { steps: Float64Array.from({ length: MAX_ROWS }, (_, i) => i), values: new Float64Array(MAX_ROWS) };
    expect(rowsSchema.safeParse({ ...event, ...most }).success).toBe(true);
  });
});

describe('declarations of a stream', () => {
  it('are the same only when every field of every column is', () => {
    const seconds: Series = { name: 'a', unit: 's' };
    expect(sameColumns([seconds, { name: 'b' }], [seconds, { name: 'b' }])).toBe(true);
    expect(sameColumns([seconds], [{ name: 'a' }])).toBe(false);
    expect(sameColumns([seconds, { name: 'b' }], [seconds, { name: 'c' }])).toBe(false);
    expect(sameColumns([seconds], [seconds, { name: 'b' }])).toBe(false);
    expect(sameColumns([seconds, { name: 'b' }], [seconds])).toBe(false);
  });

  it('complete each other where they agree: each may leave out what the other says', () => {
    const first: Series[] = [{ name: 'a', unit: 's', role: 'loss' }, { name: 'b' }];
    expect(
      joinedColumns(first, [
        { name: 'a', unit: 's', chance: 2 },
        { name: 'b', main: true },
      ]),
    ).toEqual([
      { name: 'a', unit: 's', role: 'loss', chance: 2 },
      { name: 'b', main: true },
    ]);
    expect(joinedColumns(first, [{ name: 'a', unit: 'ms' }, { name: 'b' }])).toBeNull();
    expect(joinedColumns(first, [{ name: 'a' }, { name: 'c' }])).toBeNull();
    expect(joinedColumns(first, [{ name: 'a' }])).toBeNull();
    expect(joinedColumns(first.slice(0, 1), first)).toBeNull();
  });

  it('with a name twice are told which', () => {
    expect(repeatedName([{ name: 'a' }, { name: 'b' }, { name: 'c' }, { name: 'b' }])).toBe('b');
    expect(repeatedName([{ name: 'a' }, { name: '__proto__' }])).toBeNull();
  });
});

it('a series improves as it declares, else an accuracy rises and everything else falls; an equal value is not better', () => {
  expect([{}, { role: 'loss' }, { role: 'accuracy' }, { role: 'accuracy', better: 'lower' as const }].map(betterOf)).toEqual([
    'lower',
    'lower',
    'higher',
    'lower',
  ]);
  const better = (way: 'lower' | 'higher') => [1, 2, 3].map((value) => isBetter(way, value, 2));
  expect([better('lower'), better('higher')]).toEqual([
    [true, false, false],
    [false, false, true],
  ]);
});
