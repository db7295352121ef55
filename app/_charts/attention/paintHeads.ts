import { type HeadMaps, mapSize } from './derive';
import { type GridLayout, mapOrigin } from './layout';
import { paint } from './raster';
import type { ColorScale } from './scale';

/** Paints the maps of a grid of heads. @param scaleOf null = this head is left blank */
export function paintHeads(
  pixels: Uint32Array,
  grid: GridLayout,
  maps: HeadMaps,
  lines: { layers: readonly number[]; heads: readonly number[] },
  scaleOf: (layer: number, head: number) => ColorScale | null,
): void {
  for (const [row, layer] of lines.layers.entries())
    for (const [column, head] of lines.heads.entries()) {
      const scale = head < maps.layers[layer]!.heads ? scaleOf(layer, head) : null;
      if (!scale) continue;
      const { pool, block } = grid.rows[row]!;
      const size = mapSize(maps, layer);
      const target = { pixels, stride: grid.width, ...mapOrigin(grid, row, column), flip: grid.flip, block };
      paint(maps.values[layer]!, head * size.queries * size.keys, size, scale, target, pool);
    }
}
