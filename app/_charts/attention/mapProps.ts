import type { ReactNode } from 'react';
import type { MapSize } from '~/shared/attention';
import type { FocusEvent, Spot } from './focus';
import type { Box } from './layout';
import type { ColorScale } from './scale';
import type { TileKind } from './tiles';
import type { MapTokens } from './tokens';

/** One map with its tokens on both axes. */
export interface MapProps extends MapSize {
  values: Float32Array;
  scale: ColorScale;
  /** Name of the map, for screen readers: "layer 2 head 3", "mean of all 8 heads". */
  where: string;
  /** The head shown; null = several combined. Spots of the map's cells contain it. */
  head: { layer: number; head: number } | null;
  tokens: MapTokens;
  lit: Spot | null;
  pinned: Spot | null;
  /** Largest width in CSS pixels, axes included. */
  width: number;
  maxHeight: number;
  flip: boolean;
  /** The value that a tile shows when there are more cells than pixels. */
  tile?: TileKind;
  onTile?: (tile: TileKind) => void;
  onFocus: (event: FocusEvent) => void;
  /** Drawn over the map; `boxOf` gives a cell's position in CSS pixels. */
  overlay?: (boxOf: (query: number, key: number) => Box) => ReactNode;
  /** A right click or long press on a cell, or the key N on it. */
  onPoint?: (spot: Spot, at: { clientX: number; clientY: number }) => void;
}

/** Where the cells of a map are on the screen: the whole map, or the part of it in a window. Lengths in CSS pixels. */
export interface MapView {
  width: number;
  height: number;
  /** Width and height of a cell: what a key and a query take of the axes. */
  pitch: { keys: number; queries: number };
  canvas: { width: number; height: number; draw: (pixels: Uint32Array) => void };
  /** Position of a row, a column (the other is null) or a cell. */
  boxOf: (query: number | null, key: number | null) => Box;
  cellAt: (x: number, y: number) => { query: number; key: number } | null;
}
