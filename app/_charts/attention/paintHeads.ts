import { type HeadMaps, mapSize } from './derive';
import { type GridLayout, mapOrigin } from './layout';
import { isLarge, overviewOf, TILE } from './overview';
import { paint } from './raster';
import type { ColorScale } from './scale';
import type { HeadRow } from './selection';

/** From this many cells per pixel side, a tile that is drawn in the pixel of its center is off by a third of a pixel at most. */
const pooled = 6;

/** Paints the maps of a grid of heads. @param scaleOf null = this head is left blank */
export function paintHeads(
  pixels: Uint32Array,
  grid: GridLayout,
  maps: HeadMaps,
  rows: readonly HeadRow[],
  scaleOf: (layer: number, head: number) => ColorScale | null,
): void {
  for (const [row, { layer, heads }] of rows.entries())
    for (const [column, head] of heads.entries()) {
      const scale = head < maps.layers[layer]!.heads ? scaleOf(layer, head) : null;
      if (!scale) continue;
      const { pool, block } = grid.rows[row]!;
      const size = mapSize(maps, layer);
      const target = { pixels, stride: grid.width, ...mapOrigin(grid, row, column), flip: grid.flip, block };
      const values = maps.values[layer]!;
      // Lift is relative to the number of keys in a row, which a tile does not have.
      if (pool < pooled || !isLarge(size) || scale.kind === 'lift') {
        paint(values, head * size.queries * size.keys, size, scale, target, pool);
        continue;
      }
      const { tiles } = overviewOf(values, maps.layers[layer]!, size.causal);
      const [queries, keys] = [Math.ceil(size.queries / TILE), Math.ceil(size.keys / TILE)];
      const painted = [Math.ceil(size.queries / pool), Math.ceil(size.keys / pool)] as const;
      paint(tiles, head * queries * keys, { queries, keys }, scale, target, pool / TILE, painted);
    }
}
