import { memo, useMemo } from 'react';
import { boxOf, cellAt, gridLayout, stretchOf } from './layout';
import { MapFrame } from './MapFrame';
import type { MapProps, MapView } from './mapProps';
import { paint } from './raster';
import { labelsWidth } from './TokenMark';
import type { MapTokens } from './tokens';
import { ZoomMap } from './ZoomMap';

/** With more tokens a map is shown through a window that zooms and pans. */
const mostWhole = 128;

/** Width of the labels: pictures, short words, or one or two digits. */
const marginOf = ({ queries, keys }: MapTokens): number => {
  const all = [...queries, ...keys];
  if (all.some((t) => t.picture)) return 46;
  // The labels, their distance from the map, and the word "queries".
  return Math.max(34, Math.ceil(27 + labelsWidth(all)));
};

/** One map with its tokens on both axes. Arrow keys move through the cells and each is read aloud; Enter pins. */
export const BigMap = memo(function BigMap(map: MapProps) {
  const { tokens } = map;
  const margin = useMemo(() => marginOf(tokens), [tokens]);
  const { across, down } = stretchOf(map);
  const Shown = Math.max(map.queries, map.keys) > mostWhole ? ZoomMap : WholeMap;
  return (
    <div className="flex min-w-0 flex-col gap-1" data-testid="big-map">
      <Shown map={map} margin={margin} />
      {Math.max(across, down) > 1 && (
        <p className="text-2xs text-dim" style={{ paddingLeft: margin }}>
          cells are drawn {Math.max(across, down)} times as {down > 1 ? 'high as wide' : 'wide as high'}
        </p>
      )}
    </div>
  );
});

function WholeMap({ map, margin }: { map: MapProps; margin: number }) {
  const { values, queries, keys, causal = false, scale, width, maxHeight, flip } = map;
  const place = useMemo(() => {
    const size = { queries, keys, causal };
    const grid = gridLayout({ rows: [size], columns: 1, width: width - margin - 2, maxHeight: maxHeight - margin, flip });
    const place = {
      width: grid.width * grid.zoom,
      height: grid.height * grid.zoom,
      pitch: { keys: (grid.width * grid.zoom) / keys, queries: (grid.height * grid.zoom) / queries },
      boxOf: (query: number | null, key: number | null) => boxOf(grid, 0, 0, query, key),
      cellAt: (x: number, y: number) => cellAt(grid, x, y),
    };
    return { size, grid, place };
  }, [queries, keys, causal, width, maxHeight, margin, flip]);
  const view = useMemo((): MapView => {
    const { size, grid } = place;
    const { pool, block } = grid.rows[0]!;
    const draw = (pixels: Uint32Array) =>
      paint(values, 0, size, scale, { pixels, stride: grid.width, x: 0, y: 0, flip, block }, pool);
    return { ...place.place, canvas: { width: grid.width, height: grid.height, draw } };
  }, [place, values, scale, flip]);
  return <MapFrame map={map} view={view} margin={margin} />;
}
