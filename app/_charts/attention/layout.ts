/**
 * Where the cells of a head grid lie: layers are rows, heads columns, in any number and any map size. The canvas holds one pixel per cell (or tile) and is
 * enlarged by a whole number, so that cells stay crisp and finding the cell under the mouse is arithmetic.
 */
import type { MapSize } from '~/shared/attention';

export interface GridRequest extends MapSize {
  layers: number;
  heads: number;
  /** CSS pixels to fill at most. */
  width: number;
  maxHeight: number;
  flip?: boolean;
}

export interface GridLayout extends MapSize {
  layers: number;
  heads: number;
  /** Cells per pixel side: 1, unless the maps are larger than the screen has pixels for. */
  pool: number;
  /** Canvas pixels between maps. */
  gap: number;
  /** Canvas pixels of one map. */
  mapWidth: number;
  mapHeight: number;
  /** Canvas pixels. */
  width: number;
  height: number;
  /** CSS pixels per canvas pixel, a whole number. */
  zoom: number;
  /** Query 0 at the bottom, as matplotlib's origin='lower' draws it. */
  flip: boolean;
}

export function gridLayout({ layers, heads, queries, keys, width, maxHeight, flip = false }: GridRequest): GridLayout {
  const at = (pool: number) => {
    const mapWidth = Math.ceil(keys / pool);
    const mapHeight = Math.ceil(queries / pool);
    const gap = Math.max(1, Math.round(Math.max(mapWidth, mapHeight) / 12));
    const total = { width: heads * mapWidth + (heads - 1) * gap, height: layers * mapHeight + (layers - 1) * gap };
    return { pool, gap, mapWidth, mapHeight, ...total };
  };
  let pool = 1;
  let sizes = at(pool);
  while (sizes.width > width && pool < Math.max(queries, keys)) sizes = at(++pool);
  // Very many rows scroll rather than shrink below what a finger or eye can hit.
  const smallest = Math.min(width / sizes.width, Math.max(1, Math.ceil(48 / sizes.mapHeight)));
  const zoom = Math.max(1, Math.floor(Math.max(smallest, Math.min(width / sizes.width, maxHeight / sizes.height))));
  return { layers, heads, queries, keys, ...sizes, zoom, flip };
}

/** Canvas pixel of a map's upper left cell. */
export const mapOrigin = (g: GridLayout, layer: number, head: number): { x: number; y: number } => ({
  x: head * (g.mapWidth + g.gap),
  y: layer * (g.mapHeight + g.gap),
});

export interface Cell {
  layer: number;
  head: number;
  query: number;
  key: number;
}

/** The cell at a place of the enlarged canvas in CSS pixels; null in the gaps and outside. For tiles: their first cell. */
export function cellAt(g: GridLayout, cssX: number, cssY: number): Cell | null {
  const x = Math.floor(cssX / g.zoom);
  const y = Math.floor(cssY / g.zoom);
  if (x < 0 || y < 0 || x >= g.width || y >= g.height) return null;
  const head = Math.floor(x / (g.mapWidth + g.gap));
  const layer = Math.floor(y / (g.mapHeight + g.gap));
  const column = x - head * (g.mapWidth + g.gap);
  const row = y - layer * (g.mapHeight + g.gap);
  if (column >= g.mapWidth || row >= g.mapHeight) return null;
  return { layer, head, query: (g.flip ? g.mapHeight - 1 - row : row) * g.pool, key: column * g.pool };
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Where a row, column or cell (both given) of a map lies, in CSS pixels; the whole map when neither is given. */
export function boxOf(g: GridLayout, row: number, column: number, query: number | null, key: number | null): Box {
  const { x, y } = mapOrigin(g, row, column);
  const queryRow = query === null ? 0 : Math.floor(query / g.pool);
  return {
    x: (x + (key === null ? 0 : Math.floor(key / g.pool))) * g.zoom,
    y: (y + (g.flip && query !== null ? g.mapHeight - 1 - queryRow : queryRow)) * g.zoom,
    width: (key === null ? g.mapWidth : 1) * g.zoom,
    height: (query === null ? g.mapHeight : 1) * g.zoom,
  };
}
