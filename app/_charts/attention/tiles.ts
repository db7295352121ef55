/** Maps with more cells than the screen has pixels: levels of ever larger tiles, each the largest, mean or smallest of its cells, and a window onto them. */
import { type MapSize, visibleKeys } from '~/shared/attention';
import { type Stretch, stretchOf } from './layout';
import { MASKED } from './overview';
import { maskedPixel, pixelOf } from './raster';
import type { ColorScale } from './scale';

export const tileKinds = ['max', 'mean', 'min'] as const;
export type TileKind = (typeof tileKinds)[number];

export interface Level extends MapSize {
  /** Cells per tile side. */
  factor: number;
  /** [queries, keys] of tiles. A tile with a cell that is NaN is NaN. */
  values: Float32Array;
}

/**
 * The map itself, then tiles of 2 x 2, 4 x 4 ... cells up to a single one. In a difference, "largest" means furthest from 0, "smallest" nearest to it.
 */
export function tileLevels(values: Float32Array, size: MapSize, kind: TileKind, signed: boolean): Level[] {
  const { queries, keys } = size;
  const levels: Level[] = [{ factor: 1, queries, keys, values: withoutMasked(values, size) }];
  const rank = (v: number) => (kind === 'min' ? -1 : 1) * (signed ? Math.abs(v) : v);
  for (let below = levels[0]!; below.queries > 1 || below.keys > 1; below = levels.at(-1)!) {
    const half = { queries: Math.ceil(below.queries / 2), keys: Math.ceil(below.keys / 2) };
    const out = new Float32Array(half.queries * half.keys);
    // Number of cells in a row or column of a tile of the level below; the last tile may have fewer.
    const cells = (tile: number, count: number) => Math.min(below.factor, count - tile * below.factor);
    for (let i = 0; i < half.queries; i++)
      for (let j = 0; j < half.keys; j++) {
        let [best, sum, weight] = [Number.NaN, 0, 0];
        let bad = false;
        for (let y = 2 * i; y < Math.min(2 * i + 2, below.queries); y++)
          for (let x = 2 * j; x < Math.min(2 * j + 2, below.keys); x++) {
            const v = below.values[y * below.keys + x]!;
            // Masked cells are ignored; a tile with only masked cells is masked.
            if (v === MASKED) continue;
            bad ||= v - v !== 0;
            const area = cells(y, queries) * cells(x, keys);
            sum += v * area;
            weight += area;
            if (weight === area || rank(v) > rank(best)) best = v;
          }
        out[i * half.keys + j] = bad ? Number.NaN : weight === 0 ? MASKED : kind === 'mean' ? sum / weight : best;
      }
    levels.push({ factor: 2 * below.factor, ...half, values: out });
  }
  return levels;
}

function withoutMasked(values: Float32Array, size: MapSize): Float32Array {
  if (!size.causal) return values;
  const out = values.slice();
  for (let i = 0; i < size.queries; i++) out.fill(MASKED, i * size.keys + visibleKeys(size, i), (i + 1) * size.keys);
  return out;
}

/** The visible part of a map, in sides of a cell (the shorter one where it is stretched); `span` is on the longer side of the picture. */
export interface MapWindow {
  left: number;
  top: number;
  span: number;
}

export const smallestSpan = 8;

export interface Picture extends MapSize {
  /** CSS pixels, one canvas pixel each. */
  width: number;
  height: number;
}

/** Sides of a map, in the unit of its window. */
export const sidesOf = (size: MapSize): { across: number; down: number; stretch: Stretch } => {
  const stretch = stretchOf(size);
  return { across: size.keys * stretch.across, down: size.queries * stretch.down, stretch };
};

/** Pixels per side of a cell. */
export const pitchOf = (p: Picture, w: MapWindow): number => Math.max(p.width, p.height) / w.span;

/** The finest level whose tiles are at least a pixel wide, so that each tile has its own pixel and none disappears. */
export function levelFor(levels: readonly Level[], pitch: number): Level {
  return levels.find((l) => l.factor * pitch >= 1) ?? levels.at(-1)!;
}

/** Paints the window: each pixel shows the tile under its center. */
export function paintWindow(
  pixels: Uint32Array,
  p: Picture,
  w: MapWindow,
  levels: readonly Level[],
  scale: ColorScale,
  flip: boolean,
): void {
  const pitch = pitchOf(p, w);
  const level = levelFor(levels, pitch);
  const { across, down } = stretchOf(p);
  const lift = scale.kind === 'lift';
  const columns = Int32Array.from({ length: p.width }, (_, x) =>
    Math.floor((w.left + (x + 0.5) / pitch) / across / level.factor),
  );
  for (let y = 0; y < p.height; y++) {
    const query = (w.top + (y + 0.5) / pitch) / down;
    const row = Math.floor((flip ? p.queries - query : query) / level.factor);
    if (row < 0 || row >= level.queries) continue;
    for (let x = 0; x < p.width; x++) {
      const column = columns[x]!;
      if (column < 0 || column >= level.keys) continue;
      const value = level.values[row * level.keys + column]!;
      // The uniform weight differs between the rows of a causal map.
      const share = lift && value !== MASKED ? visibleKeys(p, Math.min(p.queries - 1, row * level.factor)) / scale.keys : 1;
      pixels[y * p.width + x] = value === MASKED ? maskedPixel(x >> 2, y >> 2) : pixelOf(scale, value * share);
    }
  }
}

/** Keeps a window inside the map, and shows at least a few cells. */
export function clampWindow(w: MapWindow, p: Picture): MapWindow {
  const { width, height } = p;
  const { across, down } = sidesOf(p);
  const whole = Math.max(across, down);
  const span = Math.max(Math.min(smallestSpan, whole), Math.min(w.span, whole));
  const longer = Math.max(width, height);
  const inside = (at: number, count: number, length: number) => Math.max(0, Math.min(at, count - (span * length) / longer));
  return { span, left: inside(w.left, across, width), top: inside(w.top, down, height) };
}

/** Zooms in by `factor`; the point at (x, y) of the picture does not move. */
export function zoomedAt(w: MapWindow, p: Picture, factor: number, x: number, y: number): MapWindow {
  const { span } = clampWindow({ ...w, span: w.span / factor }, p);
  const [before, after] = [pitchOf(p, w), pitchOf(p, { ...w, span })];
  return clampWindow({ span, left: w.left + x / before - x / after, top: w.top + y / before - y / after }, p);
}

/**
 * The cell that a pixel shows: the one under it, or, where a tile combines many, the cell that gave the tile its value (for means the first one).
 * null outside of the map.
 */
export function cellUnder(
  p: Picture,
  w: MapWindow,
  levels: readonly Level[],
  flip: boolean,
  x: number,
  y: number,
): { query: number; key: number } | null {
  const pitch = pitchOf(p, w);
  const { factor } = levelFor(levels, pitch);
  const stretch = stretchOf(p);
  const key = Math.floor((w.left + x / pitch) / stretch.across);
  const down = (w.top + y / pitch) / stretch.down;
  const query = Math.floor(flip ? p.queries - down : down);
  if (key < 0 || key >= p.keys || query < 0 || query >= p.queries) return null;
  if (factor === 1) return { query, key };
  const first = { query: query - (query % factor), key: key - (key % factor) };
  const [exact, level] = [levels[0]!, levels.find((l) => l.factor === factor)!];
  const value = level.values[(first.query / factor) * level.keys + first.key / factor]!;
  for (let i = first.query; i < Math.min(first.query + factor, p.queries); i++)
    for (let j = first.key; j < Math.min(first.key + factor, p.keys); j++)
      if (exact.values[i * p.keys + j] === value) return { query: i, key: j };
  return first;
}
