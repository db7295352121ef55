import { expect, it } from 'vitest';
import { gridLayout } from '~/app/_charts/attention/layout';
import { MASKED, makeOverview, TILE } from '~/app/_charts/attention/overview';
import { paintHeads } from '~/app/_charts/attention/paintHeads';
import { divergingPalette, levels, notFinite, sequentialPalette } from '~/app/_charts/attention/palettes';
import { maskedPixel } from '~/app/_charts/attention/raster';
import { colorScale } from '~/app/_charts/attention/scale';
import { visibleKeys } from '~/shared/attention';
import { seeded } from '~/test/support/seeded';

const scale = colorScale({ kind: 'unit', quantity: 'weight', keys: 512, peak: 1, sequential: 'viridis', theme: 'light' });
const one = sequentialPalette('viridis')[levels - 1]!;

it('a tile is its value of largest magnitude among the cells that their queries may see', () => {
  const random = seeded(7);
  for (const [heads, queries, keys, causal] of [
    [2, 9, 14, false],
    [3, 16, 16, true],
    [1, 5, 23, true],
  ] as const) {
    const values = Float32Array.from({ length: heads * queries * keys }, () => 2 * random() - 1);
    values[3] = Number.NaN;
    const { tiles, peaks } = makeOverview(values, { name: 'one', heads, queries, keys }, causal);
    const [expected, most] = [[] as number[], [] as number[]];
    for (let h = 0; h < heads; h++) {
      const seen: number[] = [];
      for (let i = 0; i < queries; i += TILE)
        for (let j = 0; j < keys; j += TILE) {
          const cells: number[] = [];
          for (let q = i; q < Math.min(i + TILE, queries); q++)
            for (let k = j; k < Math.min(j + TILE, visibleKeys({ queries, keys, causal }, q)); k++)
              cells.push(values[(h * queries + q) * keys + k]!);
          seen.push(...cells.filter(Number.isFinite));
          expected.push(
            cells.length === 0 ? MASKED : cells.reduce((a, b) => (Number.isNaN(a) || Math.abs(a) >= Math.abs(b) ? a : b)),
          );
        }
      most.push(Math.max(...seen.map(Math.abs)));
    }
    expect(tiles, `${queries} × ${keys}`).toEqual(Float32Array.from(expected));
    expect(peaks).toEqual(Float32Array.from(most));
  }
});

/** 2 layers x 2 heads of `side` x `side`, painted in a grid that shows about `pool` cells per pixel. */
function painted(side: number, pool: number, causal: boolean, change: (values: Float32Array) => void, colors = scale) {
  const layers = ['below', 'above'].map((name) => ({ name, heads: 2, queries: side, keys: side }));
  const values = layers.map(() => new Float32Array(2 * side * side));
  change(values[1]!);
  const grid = gridLayout({ rows: layers, columns: 2, width: (2.1 * side) / pool, maxHeight: 4000 });
  const pixels = new Uint32Array(grid.width * grid.height);
  paintHeads(
    pixels,
    grid,
    { layers, causal, values, quantity: 'weight' },
    [0, 1].map((layer) => ({ layer, heads: [0, 1] })),
    () => colors,
  );
  return { grid, pixels };
}

it('one bright cell of a large map is one bright pixel, at its place or the one beside it, however many cells a pixel has', () => {
  const random = seeded(3);
  for (const side of [256, 300, 511, 512])
    for (const pool of [5, 6, 7, 9, 13, 73]) {
      const [query, key] = [Math.floor(random() * side), Math.floor(random() * side)];
      const { grid, pixels } = painted(side, pool, false, (v) => {
        v[(side + query) * side + key] = 1;
      });
      const row = grid.rows[1]!;
      const lit = [...pixels.keys()].filter((n) => pixels[n] === one);
      const name = `side ${side}, ${row.pool} cells per pixel, cell ${query}, ${key}`;
      expect(lit, name).toHaveLength(1);
      const [x, y] = [(lit[0]! % grid.width) - grid.pitch, Math.floor(lit[0]! / grid.width) - row.top];
      expect(Math.abs(x - key / row.pool + 0.5), name).toBeLessThanOrEqual(1);
      expect(Math.abs(y - query / row.pool + 0.5), name).toBeLessThanOrEqual(1);
    }
});

it('uniform attention is neutral in lift, however many cells a pixel has', () => {
  const lift = colorScale({ kind: 'lift', quantity: 'weight', keys: 512, peak: 1, sequential: 'viridis', theme: 'light' });
  const neutral = divergingPalette('light')[(levels - 1) / 2]!;
  for (const pool of [1, 9]) {
    const { grid, pixels } = painted(512, pool, false, (v) => v.fill(1 / 512), lift);
    const { top, mapWidth } = grid.rows[1]!;
    expect(new Set(pixels.subarray(top * grid.width, top * grid.width + mapWidth)), `${pool} cells per pixel`).toEqual(
      new Set([neutral]),
    );
  }
});

it('every pixel of a large map is painted: masked cells checkered, cells that are not finite in their own color', () => {
  const { grid, pixels } = painted(512, 9, true, (v) => {
    v[511 * 512] = Number.POSITIVE_INFINITY;
  });
  const { top, mapWidth, mapHeight } = grid.rows[1]!;
  const at = (x: number, y: number) => pixels[(top + y) * grid.width + x];
  expect(at(mapWidth - 1, 0)).toBe(maskedPixel(mapWidth - 1, top));
  expect(at(0, mapHeight - 1)).toBe(notFinite);
  expect(at(mapWidth - 1, mapHeight - 1)).toBe(sequentialPalette('viridis')[0]);
});
