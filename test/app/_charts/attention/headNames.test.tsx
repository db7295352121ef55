// @vitest-environment jsdom
import { cleanup, render } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import { HeadGrid } from '~/app/_charts/attention/HeadGrid';
import { colorScale } from '~/app/_charts/attention/scale';

afterEach(cleanup);
// jsdom has no canvas, and would say so for each.
HTMLCanvasElement.prototype.getContext = () => null;

/** The names beside the grid: of the columns and the rows; '' = without a text. Without a canvas a letter takes 6.5 px. */
function namesOf(layers: number, heads: number): { columns: string[]; rows: string[] } {
  const shapes = Array.from({ length: layers }, (_, l) => ({ name: `attention#${l + 1}`, heads, queries: 12, keys: 12 }));
  const scale = colorScale({ kind: 'unit', keys: 12, peak: 1, sequential: 'viridis', theme: 'light' });
  const { container } = render(
    <HeadGrid
      maps={{ layers: shapes, causal: false, values: shapes.map(() => new Float32Array(heads * 144)), quantity: 'weight' }}
      scaleOf={() => scale}
      lines={{ layers: shapes.map((_, l) => l), heads: Array.from({ length: heads }, (_, h) => h) }}
      hidden={new Set()}
      lit={null}
      pinned={null}
      width={470}
      maxHeight={470}
      flip={false}
      onFocus={() => {}}
    />,
  );
  const names = [...container.firstElementChild!.querySelectorAll(':scope > span')].map((e) => e.textContent!);
  const columns = layers === 1 && heads > 6 ? 0 : heads;
  return { columns: names.slice(0, columns), rows: names.slice(columns) };
}

it('numbers of 40 heads in one row are not drawn over another', () => {
  const { columns } = namesOf(2, 40);
  expect(columns.filter(Boolean).slice(0, 3)).toEqual(['1', '4', '7']);
});

it('the rows of a layer that is shown alone are named by their heads', () => {
  expect(namesOf(1, 8).rows).toEqual(['1–4', '5–8']);
});

it('a name of a layer that does not fit is not cut: the number of the layer stands there', () => {
  expect(namesOf(1, 1).rows).toEqual(['attention#1']);
  expect(namesOf(40, 1).rows).toEqual(Array.from({ length: 40 }, (_, l) => String(l + 1)));
});
