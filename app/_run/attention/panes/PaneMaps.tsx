import { memo, useCallback, useMemo } from 'react';
import { BigMap } from '~/app/_charts/attention/BigMap';
import { type HeadMaps, mapOfHeads, mapSize } from '~/app/_charts/attention/derive';
import { type FocusEvent, litHead, type Spot } from '~/app/_charts/attention/focus';
import { HeadGrid } from '~/app/_charts/attention/HeadGrid';
import type { ColorScale } from '~/app/_charts/attention/scale';
import { allHeads, shownLines } from '~/app/_charts/attention/selection';
import { headName, type MapTokens } from '~/app/_charts/attention/tokens';
import { MapTable } from '~/app/_run/attention/MapTable';
import { headCount } from '~/shared/snapshotFile';

/** What all panes share. */
export interface PaneLook {
  lit: Spot | null;
  pinned: Spot | null;
  /** CSS pixels. */
  width: number;
  flip: boolean;
  asTable: boolean;
  onFocus: (event: FocusEvent) => void;
}

interface PaneMapsProps extends PaneLook {
  /** 1 x 1 for a single map. */
  maps: HeadMaps;
  /** The head that a single map shows; null = a grid, or a combination of heads. */
  head: { layer: number; head: number } | null;
  where: string;
  /** Axis labels for a layer of `maps`. */
  tokensOf: (layer: number) => MapTokens;
  scale: ColorScale;
}

const none: ReadonlySet<string> = new Set();
const mostHeight = 400;

/** Maps of a pane: a grid of heads, one large map, or a table of its numbers. */
export const PaneMaps = memo(function PaneMaps(props: PaneMapsProps) {
  const { maps, head, where, tokensOf, scale, asTable, ...look } = props;
  const { layers } = maps;
  const lines = useMemo(() => shownLines(layers, none), [layers]);
  const scaleOf = useCallback(() => scale, [scale]);
  const single = headCount(layers) === 1;
  if (asTable) {
    const at = single ? { layer: 0, head: 0 } : litHead(look.pinned);
    const { values, layer } = mapOfHeads(maps, at, allHeads(layers), 'mean');
    const of = single ? where : `${where}, ${at ? headName(at.layer, at.head) : 'mean of all'}`;
    return <MapTable values={values} size={mapSize(maps, layer)} tokens={tokensOf(layer)} where={of} />;
  }
  const common = { ...look, maxHeight: mostHeight };
  return single ? (
    <BigMap
      {...common}
      {...mapSize(maps, 0)}
      values={maps.values[0]!}
      scale={scale}
      where={where}
      head={head}
      tokens={tokensOf(0)}
    />
  ) : (
    <HeadGrid {...common} maps={maps} scaleOf={scaleOf} lines={lines} hidden={none} />
  );
});
