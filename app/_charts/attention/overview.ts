/**
 * Tiles of large maps, so that a grid of many heads is painted without reading every cell: 12 x 12 heads of 512 x 512 are 38 million
 * cells. The decoding worker makes them with the weights; for computed maps, as differences, they are made once here.
 */
import { type MapSize, visibleKeys } from '~/shared/attention';
import type { LayerShape } from '~/shared/snapshotFile';

/** Cells per tile side. */
export const TILE = 4;

/** Marks a tile or cell that its query may not attend to. No weight, difference or spread has this value. */
export const MASKED = -3.4028234663852886e38;

/** Of a layer's maps. */
export interface Overview {
  /** [H, ceil(Tq / TILE), ceil(Tk / TILE)]: of each tile, the value of largest magnitude; NaN when a cell is not finite. */
  tiles: Float32Array;
  /** [H]: largest magnitude among the finite cells. */
  peaks: Float32Array;
}

/** Maps below are painted cell by cell, fast enough. */
export const isLarge = ({ queries, keys }: MapSize): boolean => queries * keys >= 2 ** 16;

const known = new WeakMap<Float32Array, Overview>();

/** Keeps what the decoding worker has made. */
export const setOverview = (values: Float32Array, overview: Overview): void => void known.set(values, overview);

/** The overview of a layer's maps, made once. @param values [H, Tq, Tk] */
export function overviewOf(values: Float32Array, layer: LayerShape, causal: boolean): Overview {
  const made = known.get(values) ?? makeOverview(values, layer, causal);
  known.set(values, made);
  return made;
}

/** @param values [H, Tq, Tk] */
export function makeOverview(values: Float32Array, { heads, queries, keys }: LayerShape, causal: boolean): Overview {
  const [rows, columns] = [Math.ceil(queries / TILE), Math.ceil(keys / TILE)];
  const tiles = new Float32Array(heads * rows * columns).fill(MASKED);
  const peaks = new Float32Array(heads);
  for (let head = 0; head < heads; head++) {
    let peak = 0;
    for (let query = 0; query < queries; query++) {
      const start = (head * queries + query) * keys;
      const row = (head * rows + Math.floor(query / TILE)) * columns;
      const visible = visibleKeys({ queries, keys, causal }, query);
      for (let key = 0; key < visible; key++) {
        const v = values[start + key]!;
        const at = row + ((key / TILE) | 0);
        const size = v < 0 ? -v : v;
        const best = tiles[at]!;
        // For NaN and infinities v - v is not 0; a tile that is NaN stays so, as no comparison with it is true.
        if (v - v !== 0) tiles[at] = Number.NaN;
        else {
          if (best === MASKED || size > (best < 0 ? -best : best)) tiles[at] = v;
          if (size > peak) peak = size;
        }
      }
    }
    peaks[head] = peak;
  }
  return { tiles, peaks };
}
