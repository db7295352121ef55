'use client';

import { memo, type PointerEvent, useCallback, useMemo } from 'react';
import { ActiveCell } from './ActiveCell';
import type { BigMapProps } from './bigMapProps';
import type { Spot } from './focus';
import { boxOf, cellAt, gridLayout } from './layout';
import { MapAxes } from './MapAxes';
import { MapMarks } from './MapMarks';
import { PixelCanvas } from './PixelCanvas';
import { paint } from './raster';
import type { MapTokens } from './tokens';
import { ZoomMap } from './ZoomMap';

/** With more tokens a map is shown through a window that zooms and pans. */
const mostWhole = 128;

/** Width of the labels: pictures, short words, or one or two digits. */
const marginOf = ({ queries, keys }: MapTokens): number => {
  const all = [...queries, ...keys];
  return all.some((t) => t.picture)
    ? 46
    : Math.max(34, Math.min(64, 26 + 6.5 * Math.max(1, ...all.map((t) => Math.min(7, t.text.length)))));
};

/** One map with its tokens on both axes. Arrow keys move through the cells and each is read aloud; Enter pins. */
export const BigMap = memo(function BigMap(props: BigMapProps) {
  return Math.max(props.queries, props.keys) > mostWhole ? <ZoomMap {...props} /> : <WholeMap {...props} />;
});

function WholeMap(props: BigMapProps) {
  const {
    values,
    queries,
    keys,
    causal = false,
    scale,
    where,
    head,
    tokens,
    lit,
    pinned,
    width,
    maxHeight,
    flip,
    onFocus,
  } = props;
  const margin = marginOf(tokens);
  const grid = useMemo(
    () =>
      gridLayout({
        rows: [{ queries, keys, causal }],
        columns: 1,
        width: width - margin - 2,
        maxHeight: maxHeight - margin,
        flip,
      }),
    [queries, keys, causal, width, maxHeight, margin, flip],
  );
  const draw = useCallback(
    (pixels: Uint32Array) =>
      paint(values, 0, { queries, keys, causal }, scale, { pixels, stride: grid.width, x: 0, y: 0, flip }, grid.rows[0]!.pool),
    [values, queries, keys, causal, scale, grid, flip],
  );

  const size = { width: grid.width * grid.zoom, height: grid.height * grid.zoom };
  const spotOf = (query: number | null, key: number | null): Spot => ({
    layer: head?.layer ?? null,
    head: head?.head ?? null,
    query,
    key,
  });
  const spotAt = (event: PointerEvent | React.MouseEvent): Spot | null => {
    const box = event.currentTarget.getBoundingClientRect();
    const cell = cellAt(grid, event.clientX - box.left, event.clientY - box.top);
    return cell && spotOf(cell.query, cell.key);
  };

  return (
    <div
      className="relative select-none"
      style={{ width: size.width + margin + 2, height: size.height + margin }}
      data-testid="big-map"
    >
      <MapAxes tokens={tokens} margin={margin} grid={grid} size={size} lit={lit} onFocus={onFocus} />
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the cell inside handles the keys. */}
      {/* biome-ignore lint/a11y/useSemanticElements: a canvas is not a table; the panel offers one. */}
      <div
        role="grid"
        tabIndex={-1}
        aria-label={`${where}: rows are queries, columns are keys`}
        aria-rowcount={queries}
        aria-colcount={keys}
        className="absolute touch-manipulation"
        style={{ left: margin, top: margin, ...size }}
        onPointerMove={(e) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot: spotAt(e) })}
        onPointerLeave={() => onFocus({ type: 'hover', spot: null })}
        onClick={(e) => onFocus({ type: 'click', spot: spotAt(e) })}
        onContextMenu={(e) => {
          const spot = spotAt(e);
          if (!spot || !props.onPoint) return;
          e.preventDefault();
          props.onPoint(spot, e);
        }}
      >
        <PixelCanvas width={grid.width} height={grid.height} draw={draw} />
        <svg
          width={size.width}
          height={size.height}
          className="pointer-events-none absolute inset-0 overflow-visible"
          aria-hidden
        >
          <MapMarks boxOf={(query, key) => boxOf(grid, 0, 0, query, key)} lit={lit} pinned={pinned} />
        </svg>
        <ActiveCell {...props} spotOf={spotOf} boxOf={(query, key) => boxOf(grid, 0, 0, query, key)} />
      </div>
      {props.overlay && (
        <div className="pointer-events-none absolute" style={{ left: margin, top: margin, ...size }}>
          {props.overlay((query, key) => boxOf(grid, 0, 0, query, key))}
        </div>
      )}
    </div>
  );
}
