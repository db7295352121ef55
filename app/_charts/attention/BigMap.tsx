'use client';

import { AxisLeft, AxisTop, type TickRendererProps } from '@visx/axis';
import { scaleBand } from '@visx/scale';
import { type KeyboardEvent, memo, type PointerEvent, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { MapSize } from '~/shared/attention';
import type { FocusEvent, Spot } from './focus';
import { type Box, boxOf, cellAt, gridLayout } from './layout';
import { PixelCanvas } from './PixelCanvas';
import { paint } from './raster';
import type { ColourScale } from './scale';
import { cellWords, type Token } from './tokens';

export interface BigMapProps extends MapSize {
  values: Float32Array;
  scale: ColourScale;
  /** What is shown, for reading out: "layer 2 head 3", "mean of all 8 heads". */
  where: string;
  /** The head shown; null = several at once. Cells pointed at carry it. */
  head: { layer: number; head: number } | null;
  tokens: readonly Token[];
  lit: Spot | null;
  pinned: Spot | null;
  /** CSS pixels to fill at most, axes included. */
  width: number;
  maxHeight: number;
  flip: boolean;
  onFocus: (event: FocusEvent) => void;
  /** Drawn over the map; `boxOf` gives a cell's place in CSS pixels. */
  overlay?: (boxOf: (query: number, key: number) => Box) => React.ReactNode;
  /** A right click or long press on a cell, or the key N on it. */
  onPoint?: (spot: Spot, at: { clientX: number; clientY: number }) => void;
}

/** One map with its tokens on both axes. Arrow keys walk through the cells and read each out; Enter pins. */
export const BigMap = memo(function BigMap(props: BigMapProps) {
  const { values, queries, keys, scale, where, head, tokens, lit, pinned, width, maxHeight, flip, onFocus } = props;
  const pictures = tokens.some((t) => t.picture);
  const margin = pictures ? 46 : 34;
  const grid = useMemo(
    () => gridLayout({ layers: 1, heads: 1, queries, keys, width: width - margin - 2, maxHeight: maxHeight - margin, flip }),
    [queries, keys, width, maxHeight, margin, flip],
  );
  const draw = useCallback(
    (pixels: Uint32Array) =>
      paint(values, 0, { queries, keys }, scale, { pixels, stride: grid.width, x: 0, y: 0, flip }, grid.pool),
    [values, queries, keys, scale, grid, flip],
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
      <Axes tokens={tokens} margin={margin} grid={grid} size={size} lit={lit} onFocus={onFocus} />
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the cell inside takes the keys. */}
      {/* biome-ignore lint/a11y/useSemanticElements: a canvas is no table; the panel offers one. */}
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
          <Marks grid={grid} lit={lit} pinned={pinned} />
        </svg>
        <ActiveCell {...props} grid={grid} spotOf={spotOf} />
      </div>
      {props.overlay && (
        <div className="pointer-events-none absolute" style={{ left: margin, top: margin, ...size }}>
          {props.overlay((query, key) => boxOf(grid, 0, 0, query, key))}
        </div>
      )}
    </div>
  );
});

type Grid = ReturnType<typeof gridLayout>;

function Marks({ grid, lit, pinned }: { grid: Grid; lit: Spot | null; pinned: Spot | null }) {
  const line = (query: number | null, key: number | null, className: string, strokeWidth: number) => {
    const box = boxOf(grid, 0, 0, query, key);
    return <rect {...box} className={`fill-none ${className}`} strokeWidth={strokeWidth} />;
  };
  const row = lit?.query ?? null;
  const column = lit?.key ?? null;
  return (
    <>
      {row !== null && line(row, null, 'stroke-black/70', 3)}
      {column !== null && line(null, column, 'stroke-black/70', 3)}
      {row !== null && line(row, null, 'stroke-white', 1.25)}
      {column !== null && line(null, column, 'stroke-white', 1.25)}
      {pinned && pinned.query !== null && pinned.key !== null && line(pinned.query, pinned.key, 'stroke-accent', 2.5)}
    </>
  );
}

/** The one cell that keyboard and screen reader stand on. It is a new element at every move, so that it is read out. */
function ActiveCell({
  values,
  queries,
  keys,
  where,
  pinned,
  grid,
  onFocus,
  onPoint,
  spotOf,
}: BigMapProps & { grid: Grid; spotOf: (q: number, k: number) => Spot }) {
  const [at, setAt] = useState({ query: 0, key: 0 });
  const cell = useRef<HTMLDivElement>(null);
  const moved = useRef(false);
  useEffect(() => {
    // `at` is why the element is new.
    if (moved.current && at) cell.current?.focus();
    moved.current = false;
  }, [at]);
  const query = Math.min(at.query, queries - 1);
  const key = Math.min(at.key, keys - 1);
  const go = (q: number, k: number) => {
    const next = { query: Math.max(0, Math.min(queries - 1, q)), key: Math.max(0, Math.min(keys - 1, k)) };
    if (next.query === query && next.key === key) return;
    moved.current = true;
    setAt(next);
    onFocus({ type: 'hover', spot: spotOf(next.query, next.key) });
  };
  const onKey = (event: KeyboardEvent) => {
    const up = grid.flip ? 1 : -1;
    if (event.key === 'ArrowUp') go(query + up, key);
    else if (event.key === 'ArrowDown') go(query - up, key);
    else if (event.key === 'ArrowLeft') go(query, key - 1);
    else if (event.key === 'ArrowRight') go(query, key + 1);
    else if (event.key === 'Home') go(event.ctrlKey ? 0 : query, 0);
    else if (event.key === 'End') go(event.ctrlKey ? queries - 1 : query, keys - 1);
    else if (event.key === 'Enter' || event.key === ' ') onFocus({ type: 'click', spot: spotOf(query, key) });
    else if (event.key === 'n') {
      const at = event.currentTarget.getBoundingClientRect();
      onPoint?.(spotOf(query, key), { clientX: at.left, clientY: at.top });
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const box = boxOf(grid, 0, 0, query, key);
  return (
    // biome-ignore lint/a11y/useSemanticElements: the one row of a canvas that is in the document.
    // biome-ignore lint/a11y/useFocusableInteractive: the cell takes the focus.
    <div role="row" aria-rowindex={query + 1} className="contents">
      {/* biome-ignore lint/a11y/useSemanticElements: see above. */}
      <div
        key={`${query}.${key}`}
        ref={cell}
        role="gridcell"
        aria-colindex={key + 1}
        aria-selected={pinned?.query === query && pinned.key === key}
        aria-label={cellWords(where, query, key, values[query * keys + key]!)}
        tabIndex={0}
        className="pointer-events-none absolute"
        style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
        onKeyDown={onKey}
        onFocus={() => onFocus({ type: 'hover', spot: spotOf(query, key) })}
        onBlur={() => onFocus({ type: 'hover', spot: null })}
      />
    </div>
  );
}

interface AxesProps {
  tokens: readonly Token[];
  margin: number;
  grid: Grid;
  size: { width: number; height: number };
  lit: Spot | null;
  onFocus: (event: FocusEvent) => void;
}

/** Keys along the top, queries down the left, each token with its place. Pointing at one lights it in every head. */
const Axes = memo(function Axes({ tokens, margin, grid, size, lit, onFocus }: AxesProps) {
  const { queries, keys, flip } = grid;
  const band = (count: number, length: number, reversed: boolean) => {
    const places = Array.from({ length: count }, (_, i) => i);
    return scaleBand<number>({ domain: reversed ? places.reverse() : places, range: [0, length] });
  };
  const pitch = (size.width / keys) as number;
  // Labels that would touch are left out, evenly; every place stays reachable.
  const every = Math.max(1, Math.ceil((tokens.some((t) => t.picture) ? 16 : keys > 99 ? 19 : 13) / pitch));
  const shown = (count: number) => Array.from({ length: count }, (_, i) => i).filter((i) => i % every === 0);
  const spot = (t: number): Spot => ({ layer: null, head: null, query: t < queries ? t : null, key: t < keys ? t : null });
  // visx calls this as a function, once per tick.
  const tick =
    (side: 'top' | 'left') =>
    ({ x, y, formattedValue }: TickRendererProps) => {
      const place = Number(formattedValue);
      const token = tokens[place];
      const on = (side === 'top' ? lit?.key : lit?.query) === place;
      return token && <TokenMark key={place} {...{ token, place, x, y, side, on }} pitch={Math.min(pitch * every, 30)} />;
    };
  const common = { hideAxisLine: true, hideTicks: true, tickFormat: (t: number) => String(t), tickLength: 0 };
  const at = (event: React.MouseEvent): Spot | null => {
    const box = event.currentTarget.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left - margin, event.clientY - box.top - margin];
    if (x < 0 === y < 0) return null;
    const t = Math.floor(x >= 0 ? (x / size.width) * keys : (y / size.height) * queries);
    const place = y >= 0 && flip ? queries - 1 - t : t;
    return place >= 0 && place < tokens.length ? spot(place) : null;
  };
  return (
    <svg
      width={size.width + margin + 2}
      height={size.height + margin}
      className="absolute inset-0 overflow-visible"
      aria-hidden
      onPointerMove={(e) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot: at(e) })}
      onPointerLeave={() => onFocus({ type: 'hover', spot: null })}
      onClick={(e) => onFocus({ type: 'click', spot: at(e) })}
    >
      <rect width={size.width + margin} height={size.height + margin} className="fill-transparent" />
      <AxisTop
        top={margin}
        left={margin}
        scale={band(keys, size.width, false)}
        tickValues={shown(keys)}
        tickComponent={tick('top')}
        {...common}
      />
      <AxisLeft
        top={margin}
        left={margin}
        scale={band(queries, size.height, flip)}
        tickValues={shown(queries)}
        tickComponent={tick('left')}
        {...common}
      />
      <text x={margin + size.width / 2} y={8} textAnchor="middle" className="fill-dim text-[9px]">
        keys →
      </text>
      <text
        transform={`translate(8 ${margin + size.height / 2}) rotate(-90)`}
        textAnchor="middle"
        className="fill-dim text-[9px]"
      >
        {flip ? 'queries →' : '← queries'}
      </text>
    </svg>
  );
});

interface MarkProps {
  token: Token;
  place: number;
  x: number;
  y: number;
  side: 'top' | 'left';
  pitch: number;
  on: boolean;
}

function TokenMark({ token, place, x, y, side, pitch, on }: MarkProps) {
  if (token.picture) {
    const edge = Math.max(10, Math.min(26, pitch - 2));
    const [left, top] = side === 'top' ? [x - edge / 2, y - edge - 3] : [x - edge - 3, y - edge / 2];
    return (
      <g>
        <image href={token.picture} x={left} y={top} width={edge} height={edge} style={{ imageRendering: 'pixelated' }} />
        {token.picked && (
          <rect
            x={left - 1.5}
            y={top - 1.5}
            width={edge + 3}
            height={edge + 3}
            rx={edge / 3}
            className="fill-none stroke-accent"
            strokeWidth={1.5}
            strokeDasharray="3 2"
          />
        )}
        {token.odd && <rect x={left} y={top} width={edge} height={edge} className="fill-none stroke-warn" strokeWidth={2} />}
        {on && (
          <rect x={left - 2} y={top - 2} width={edge + 4} height={edge + 4} className="fill-none stroke-ink" strokeWidth={1.5} />
        )}
      </g>
    );
  }
  const small = pitch < 18;
  const [left, top] = side === 'top' ? [x, y - 13] : [x - 17, y + 4];
  const wrong = token.right === false;
  return (
    <g className={on ? 'fill-ink' : 'fill-ink/85'}>
      <text
        x={left}
        y={top}
        textAnchor="middle"
        className={`font-mono ${small ? 'text-[10px]' : 'text-xs'} ${on ? 'font-bold' : ''} ${wrong ? 'fill-bad' : ''}`}
      >
        {token.text}
      </text>
      {/* The place, since digits repeat; a cross where the answer is wrong. */}
      <text
        x={side === 'top' ? x : x - 2}
        y={side === 'top' ? y - 3 : y + 3}
        textAnchor={side === 'top' ? 'middle' : 'end'}
        className={`text-[7px] ${wrong ? 'fill-bad' : 'fill-dim'}`}
      >
        {wrong ? '✗' : place + 1}
      </text>
    </g>
  );
}
