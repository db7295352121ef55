import { renderToStaticMarkup } from 'react-dom/server';
import { expect, it } from 'vitest';
import { columnsAt, columnsOf, fixedColumns } from '~/app/_runs/columns';
import { defaultColumns } from '~/app/_runs/tableQuery';

const keysAt = (keys: readonly string[], width: number) => columnsAt(columnsOf(keys, new Map()), width).columns.map((c) => c.key);

it('the columns that a table begins with never make it wider than it is, and none goes away as it gets wider', () => {
  let before: string[] = [];
  for (let width = 340; width <= 3840; width++) {
    const { columns, least } = columnsAt(columnsOf(defaultColumns, new Map()), width);
    expect(least, `at ${width} px`).toBeLessThanOrEqual(width);
    const keys = columns.map((c) => c.key);
    expect(keys, `at ${width} px`).toEqual(expect.arrayContaining(before));
    before = keys;
  }
  expect(before).toEqual(defaultColumns);
});

it('a narrow table keeps status, trend, step and then the best result', () => {
  expect(keysAt(defaultColumns, 340)).toEqual(['trend']);
  expect(keysAt(defaultColumns, 734)).toEqual(['status', 'trend', 'step']);
  expect(keysAt(defaultColumns, 840)).toEqual(['status', 'trend', 'step', 'best']);
});

it('columns that a person adds are all there: the table scrolls', () => {
  const added = ['recipe', 'project', 'group', 'config.lr', 'config.modelDim'];
  const { columns, least } = columnsAt(columnsOf(added, new Map()), 734);
  expect(columns.map((c) => c.key)).toEqual(added);
  expect(least).toBe(322 + 112 + 112 + 140 + 88 + 88);
});

it('a step that is longer than its column is cut with dots, and is whole under the mouse', () => {
  const cell = fixedColumns.find((c) => c.key === 'step')!.cell;
  const html = renderToStaticMarkup(cell({ run: { step: 1_000_000_000_000_001, totalSteps: 0 } } as never, 0, undefined));
  expect(html).toBe('<span class="block truncate" title="1,000,000,000,000,001">1,000,000,000,000,001</span>');
});
