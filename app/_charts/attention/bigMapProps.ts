import type { MapSize } from '~/shared/attention';
import type { FocusEvent, Spot } from './focus';
import type { Box } from './layout';
import type { ColorScale } from './scale';
import type { TileKind } from './tiles';
import type { MapTokens } from './tokens';

/** One map, whole (BigMap) or through a window (ZoomMap). */
export interface BigMapProps extends MapSize {
  values: Float32Array;
  scale: ColorScale;
  /** What is shown, for reading out: "layer 2 head 3", "mean of all 8 heads". */
  where: string;
  /** The head shown; null = several at once. Cells pointed at carry it. */
  head: { layer: number; head: number } | null;
  tokens: MapTokens;
  lit: Spot | null;
  pinned: Spot | null;
  /** CSS pixels to fill at most, axes included. */
  width: number;
  maxHeight: number;
  flip: boolean;
  /** What stands for many cells where there are more than pixels. */
  tile?: TileKind;
  onTile?: (tile: TileKind) => void;
  onFocus: (event: FocusEvent) => void;
  /** Drawn over the map; `boxOf` gives a cell's place in CSS pixels. */
  overlay?: (boxOf: (query: number, key: number) => Box) => React.ReactNode;
  /** A right click or long press on a cell, or the key N on it. */
  onPoint?: (spot: Spot, at: { clientX: number; clientY: number }) => void;
}
