import type { MapSize } from '~/shared/attention';
import type { FocusEvent, Spot } from './focus';
import type { Box } from './layout';
import type { ColorScale } from './scale';
import type { TileKind } from './tiles';
import type { MapTokens } from './tokens';

/** One map, whole (BigMap) or in a window (ZoomMap). */
export interface BigMapProps extends MapSize {
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
  overlay?: (boxOf: (query: number, key: number) => Box) => React.ReactNode;
  /** A right click or long press on a cell, or the key N on it. */
  onPoint?: (spot: Spot, at: { clientX: number; clientY: number }) => void;
}
