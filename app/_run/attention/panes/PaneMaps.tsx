import { memo, useCallback, useMemo } from 'react';
import { BigMap } from '~/app/_charts/attention/BigMap';
import { aggregate, type HeadMaps, headMap, mapSize, ofOneSize } from '~/app/_charts/attention/derive';
import { type FocusEvent, litHead, type Spot } from '~/app/_charts/attention/focus';
import { HeadGrid } from '~/app/_charts/attention/HeadGrid';
import type { ColorScale } from '~/app/_charts/attention/scale';
import { allHeads, shownLines } from '~/app/_charts/attention/selection';
import { headName, type MapTokens } from '~/app/_charts/attention/tokens';
import { MapTable } from '~/app/_run/attention/MapTable';
import { headCount } from '~/shared/snapshotFile';

interface PaneMapsProps {
  /** 1 x 1 for a single map. */
  maps: HeadMaps;
  /** The head that a single map shows; null = a grid, or a combination of heads. */
  head: { layer: number; head: number } | null;
  where: string;
  /** Axis labels for a layer of `maps`. */
  tokensOf: (layer: number) => MapTokens;
  scale: ColorScale;
  lit: Spot | null;
  pinned: Spot | null;
  width: number;
  flip: boolean;
  asTable: boolean;
  onFocus: (event: FocusEvent) => void;
}

const none: ReadonlySet<string> = new Set();
const mostHeight = 400;

/** Maps of a pane: a grid of heads, one large map, or a table of its numbers. */
export const PaneMaps = memo(function PaneMaps(props: PaneMapsProps) {
  const { maps, head, where, tokensOf, scale, lit, pinned, width, flip, asTable, onFocus } = props;
  const { layers } = maps;
  const lines = useMemo(() => shownLines(layers, none), [layers]);
  const scaleOf = useCallback(() => scale, [scale]);
  const single = headCount(layers) === 1;
  if (asTable) {
    const at = single ? { layer: 0, head: 0 } : litHead(pinned);
    const alike = ofOneSize(maps, allHeads(layers));
    const values = at ? headMap(maps, at.layer, at.head) : aggregate(maps, alike.heads, 'mean').values;
    const layer = at?.layer ?? alike.layer;
    const of = single ? where : `${where}, ${at ? headName(at.layer, at.head) : 'mean of all'}`;
    return <MapTable values={values} size={mapSize(maps, layer)} tokens={tokensOf(layer)} where={of} />;
  }
  if (single)
    return (
      <BigMap
        values={maps.values[0]!}
        {...mapSize(maps, 0)}
        scale={scale}
        where={where}
        head={head}
        tokens={tokensOf(0)}
        lit={lit}
        pinned={pinned}
        width={width}
        maxHeight={mostHeight}
        flip={flip}
        onFocus={onFocus}
      />
    );
  return (
    <HeadGrid
      maps={maps}
      scaleOf={scaleOf}
      lines={lines}
      hidden={none}
      lit={lit}
      pinned={pinned}
      width={width}
      maxHeight={mostHeight}
      flip={flip}
      onFocus={onFocus}
    />
  );
});
