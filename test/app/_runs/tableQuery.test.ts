import { describe, expect, it } from 'vitest';
import { csvOf } from '~/app/_runs/csv';
import { pathOf } from '~/app/_runs/SparklineChart';
import { viewsIn } from '~/app/_runs/savedViews';
import { axisOf } from '~/app/_runs/sweep/axis';
import { defaultView, fromParams, sortedBy, toParams, type View } from '~/app/_runs/tableQuery';
import { tagsOf } from '~/app/_runs/tags';
import { groupings, mostAxes, shelves } from '~/shared/runTable';
import { runLine } from '~/test/support/runLines';

it('tags are separated by commas, each once, and a long one is named', () => {
  expect(tagsOf(' paper, clip 5,,paper ')).toEqual({ ok: true, tags: ['paper', 'clip 5'] });
  expect(tagsOf('')).toEqual({ ok: true, tags: [] });
  expect(tagsOf('x'.repeat(41))).toEqual({ ok: false, message: `Tags: "${'x'.repeat(41)}" has 41 characters; 40 is the most` });
});

it('the whole view comes back from the address; what makes no sense is left at its default', () => {
  expect(toParams(defaultView)).toBe('');
  for (const show of shelves)
    for (const group of groupings)
      for (const descending of [true, false]) {
        const view: View = {
          search: 'a&b = "c d"',
          show,
          group,
          descending,
          sort: 'config.optimizer.learningRate',
          columns: ['status', 'config.a,b', 'series.loss & more'],
          folded: ['one', 'two words'],
          as: 'charts',
          axes: ['config.a,b', 'best'],
          across: 'config.a,b',
          up: 'best',
        };
        expect(fromParams(toParams(view))).toEqual(view);
      }
  expect(fromParams('show=none&order=sideways&group=by&as=poem')).toEqual(defaultView);
  // The server draws no more, and would refuse the whole question.
  const axes = Array.from({ length: mostAxes + 5 }, (_, i) => `axis=series.${i}`).join('&');
  expect(fromParams(axes).axes).toHaveLength(mostAxes);
});

it('a click on a column turns it round, on another begins with what people want first', () => {
  const loss = sortedBy(defaultView, 'loss');
  expect([loss.sort, loss.descending]).toEqual(['loss', false]);
  expect(sortedBy(loss, 'loss').descending).toBe(true);
  expect(sortedBy(loss, 'best').descending).toBe(true);
  expect(sortedBy(loss, 'name').descending).toBe(false);
});

it('of a text that is no list of views, the parts that are views are read', () => {
  const view = { name: 'paper', params: 'find=tag%3Dpaper' };
  expect(viewsIn(JSON.stringify([view]))).toEqual([view]);
  for (const wrong of [null, '{', '5', '[1, {"name": 2}]']) expect(viewsIn(wrong)).toEqual([]);
});

describe('a sparkline', () => {
  it('has a gap and a mark where a value is not finite', () => {
    // 96 px of steps 0..3: x = 2, 34, 66, 98; the values 0..2 lie on y = 20..2.
    expect(pathOf({ steps: [0, 1, 2, 3], values: [0, 1, Number.NaN, 2] })).toEqual({
      path: 'M2.0 20.0L34.0 11.0M98.0 2.0h0',
      breaks: [66],
    });
  });
  it('of the largest and of the smallest numbers is a line', () => {
    expect(pathOf({ steps: [0, 1], values: [-Number.MAX_VALUE, Number.MAX_VALUE] }).path).toBe('M2.0 20.0L98.0 2.0');
    expect(pathOf({ steps: [0, 1], values: [0, Number.MIN_VALUE] }).path).toBe('M2.0 20.0L98.0 2.0');
  });
  it('of one value, or of equal ones, is in the middle', () => {
    expect(pathOf({ steps: [7], values: [5] })).toEqual({ path: 'M50.0 11.0h0', breaks: [] });
    expect(pathOf({ steps: [0, 1], values: [5, 5] }).path).toBe('M2.0 11.0L98.0 11.0');
  });
  it('of no finite value at all is marks only', () => {
    expect(pathOf({ steps: [0, 1], values: [Infinity, Number.NaN] })).toEqual({ path: '', breaks: [2, 98] });
  });
});

describe('an axis of the sweep', () => {
  it('is logarithmic where positive numbers spread far: 1e-4, 1e-3 and 1e-2 are equally apart', () => {
    const axis = axisOf('config.lr', 'Learning rate', [1e-4, 1e-3, 1e-2]);
    expect([1e-4, 1e-3, 1e-2].map((v) => Math.round(axis.at(v)! * 1e6) / 1e6)).toEqual([0, 0.5, 1]);
    expect(axis.at(Number.NaN)).toBe(null);
    expect(axis.at(null)).toBe(null);
  });
  it('of names has a place for each, in their order, also when some are numbers', () => {
    const axis = axisOf('config.kind', 'Kind', ['b', 'a', 10, 9, true]);
    expect(axis.ticks.map((t) => t.text)).toEqual(['9', '10', 'a', 'b', 'true']);
  });
  it('of many names or a wide range has texts that do not stand in each other', () => {
    const names = axisOf(
      'config.kind',
      'Kind',
      Array.from({ length: 30 }, (_, k) => `${'😀'.repeat(8)} ${k}`),
    ).ticks;
    expect([names.length, names[0]!.text]).toEqual([15, `${'😀'.repeat(5)}…`]);
    const loss = axisOf('loss', 'Loss', [0.009, 0.95]).ticks.map((t) => t.text);
    expect(loss).toEqual(['0.01', '0.03', '0.1', '0.3']);
  });
  it('of one number has it in the middle, and no other; of whole numbers it has no ticks between them', () => {
    expect(axisOf('loss', 'Loss', [3, 3]).ticks).toEqual([{ at: 0.5, text: '3' }]);
    expect(axisOf('config.layers', 'Layers', [1, 4]).ticks.map((t) => t.text)).toEqual(['1', '2', '3', '4']);
    expect(axisOf('config.rate', 'Rate', [1, 1.5, 2]).ticks).toHaveLength(6);
    // Zeros of a whole number are not decimals.
    const texts = axisOf('config.examples', 'Examples', [20_000, 80_000]).ticks.map((t) => t.text);
    expect([texts[0], texts.at(-1)]).toEqual(['20,000', '80,000']);
  });
});

it('the table as CSV quotes what needs it, keeps NaN, and leaves no text that a spreadsheet would run', () => {
  const run = runLine('aaaaaa', { name: '=1+1, "x"', createdAt: 0, step: 3, loss: Number.NaN, tags: ['a', 'b'] });
  const [head, line, end] = csvOf([run], ['Learning rate'], new Map([['aaaaaa', [5e-4]]])).split('\r\n');
  expect(head).toBe(
    'id,name,project,group,recipe,tags,status,step,loss,accuracy,best,newest result,started by,started,Learning rate',
  );
  expect(line).toBe(`aaaaaa,"'=1+1, ""x""",default,,reverse,"a, b",queued,3,NaN,,,,Ann,1970-01-01T00:00:00.000Z,0.0005`);
  expect(end).toBe('');
});
