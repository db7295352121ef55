/**
 * Positions of the cells in a head grid: layers are rows, heads columns, in any number; each row has its own map size. The canvas holds one pixel per cell (or
 * tile, or a block of pixels where a row's maps are smaller than others') and is enlarged by a whole number, so that cells stay sharp and finding the cell under
 * the mouse is arithmetic. Cells are square, except in maps of very unequal sides.
 */
import type { MapSize } from '~/shared/attention';

/** The longer side of a map is drawn at most so many times as long as the shorter one. */
const mostUnequal = 8;

/** How much wider and higher than a square the cells are: a map of 1 x 300 would otherwise be a line. At most one is not 1. */
export interface Stretch {
  across: number;
  down: number;
}
export const stretchOf = ({ queries, keys }: Pick<MapSize, 'queries' | 'keys'>): Stretch => {
  const stretch = (own: number, other: number) => Math.max(1, Math.ceil(other / (mostUnequal * Math.max(1, own))));
  return { across: stretch(keys, queries), down: stretch(queries, keys) };
};

export interface GridRequest {
  /** Map size of each row. */
  rows: readonly MapSize[];
  columns: number;
  /** Largest width in CSS pixels. */
  width: number;
  maxHeight: number;
  flip?: boolean;
}

export interface GridRow extends MapSize {
  /** Cells per pixel side: 1, unless the maps have more cells than the screen has pixels. */
  pool: number;
  /** Canvas pixels per cell, across and down: 1, unless other rows have larger maps or this one has very unequal sides. */
  block: Stretch;
  /** Canvas pixels of one map. */
  mapWidth: number;
  mapHeight: number;
  /** Canvas y of the row's top. */
  top: number;
}

export interface GridLayout {
  rows: readonly GridRow[];
  columns: number;
  /** Canvas pixels between maps. */
  gap: number;
  /** Canvas pixels from the left edge of a column to that of the next. */
  pitch: number;
  /** Canvas pixels. */
  width: number;
  height: number;
  /** CSS pixels per canvas pixel, a whole number. */
  zoom: number;
  /** Query 0 at the bottom, as matplotlib's origin='lower' draws it. */
  flip: boolean;
}

export function gridLayout({ rows, columns, width, maxHeight, flip = false }: GridRequest): GridLayout {
  const longest = Math.max(1, ...rows.map((r) => Math.max(r.queries, r.keys)));
  const at = (fraction: number) => {
    const side = Math.ceil(longest / fraction);
    const gap = Math.max(1, Math.round(side / 12));
    let top = 0;
    const placed = rows.map((row): GridRow => {
      const own = Math.max(row.queries, row.keys);
      const pool = Math.max(1, Math.ceil(own / side));
      const square = Math.max(1, Math.floor(side / own));
      const [queries, keys] = [Math.ceil(row.queries / pool), Math.ceil(row.keys / pool)];
      const { across, down } = stretchOf({ queries, keys });
      const block = { across: square * across, down: square * down };
      const size = { mapWidth: keys * block.across, mapHeight: queries * block.down };
      const out = { ...row, pool, block, ...size, top };
      top += size.mapHeight + gap;
      return out;
    });
    const widest = Math.max(1, ...placed.map((r) => r.mapWidth));
    return { rows: placed, gap, pitch: widest + gap, width: columns * (widest + gap) - gap, height: top - gap };
  };
  let fraction = 1;
  let sizes = at(fraction);
  while (sizes.width > width && fraction < longest) sizes = at(++fraction);
  // With very many rows the grid scrolls instead of making maps too small to see or click.
  const smallestRow = Math.min(...sizes.rows.map((r) => r.mapHeight));
  const smallest = Math.min(width / sizes.width, Math.max(1, Math.ceil(48 / smallestRow)));
  const zoom = Math.max(1, Math.floor(Math.max(smallest, Math.min(width / sizes.width, maxHeight / sizes.height))));
  return { columns, ...sizes, zoom, flip };
}

/** Canvas position of a map's upper left cell. */
export const mapOrigin = (g: GridLayout, row: number, column: number): { x: number; y: number } => ({
  x: column * g.pitch,
  y: g.rows[row]!.top,
});

export interface Cell {
  /** Row and column of the grid; the caller knows their layer and head. */
  row: number;
  column: number;
  query: number;
  key: number;
}

/** The cell at a position of the enlarged canvas in CSS pixels; null in the gaps and outside. For a tile: its first cell. */
export function cellAt(g: GridLayout, cssX: number, cssY: number): Cell | null {
  const x = Math.floor(cssX / g.zoom);
  const y = Math.floor(cssY / g.zoom);
  if (x < 0 || y < 0 || x >= g.width || y >= g.height) return null;
  const column = Math.floor(x / g.pitch);
  const row = g.rows.findLastIndex((r) => r.top <= y);
  const r = g.rows[row]!;
  const across = x - column * g.pitch;
  const down = y - r.top;
  if (across >= r.mapWidth || down >= r.mapHeight) return null;
  const lines = r.mapHeight / r.block.down;
  const line = Math.floor(down / r.block.down);
  return {
    row,
    column,
    query: (g.flip ? lines - 1 - line : line) * r.pool,
    key: Math.floor(across / r.block.across) * r.pool,
  };
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Position of a row, column or cell (both given) of a map in CSS pixels; of the whole map when neither is given. */
export function boxOf(g: GridLayout, row: number, column: number, query: number | null, key: number | null): Box {
  const { x, y } = mapOrigin(g, row, column);
  const r = g.rows[row]!;
  const lines = r.mapHeight / r.block.down;
  const line = query === null ? 0 : Math.floor(query / r.pool);
  return {
    x: (x + (key === null ? 0 : Math.floor(key / r.pool) * r.block.across)) * g.zoom,
    y: (y + (g.flip && query !== null ? lines - 1 - line : line) * r.block.down) * g.zoom,
    width: (key === null ? r.mapWidth : r.block.across) * g.zoom,
    height: (query === null ? r.mapHeight : r.block.down) * g.zoom,
  };
}
