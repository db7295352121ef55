'use client';

import { type KeyboardEvent, memo, type PointerEvent, useCallback, useMemo, useRef } from 'react';
import { type HeadMaps, mapSize } from './derive';
import type { FocusEvent, Spot } from './focus';
import { litHead } from './focus';
import { type Box, boxOf, cellAt, gridLayout, mapOrigin } from './layout';
import { PixelCanvas } from './PixelCanvas';
import { paint } from './raster';
import type { ColorScale } from './scale';
import { type Hidden, headKey } from './selection';
import { headName } from './tokens';

export interface HeadGridProps {
  maps: HeadMaps;
  /** One scale for all heads, or one per head. */
  scaleOf: (layer: number, head: number) => ColorScale;
  /** Layers (rows) and heads (columns) with at least one map to show, counted from 0. */
  lines: { layers: readonly number[]; heads: readonly number[] };
  hidden: Hidden;
  lit: Spot | null;
  pinned: Spot | null;
  /** Largest width in CSS pixels, row labels included. */
  width: number;
  maxHeight: number;
  flip: boolean;
  onFocus: (event: FocusEvent) => void;
  /** solo: `s` or a click on a header; hide: `h` or Alt-click; range: Shift-click, from the pinned head on; all: `a`. Left out: all heads stay. */
  onSelect?: (what: 'solo' | 'hide' | 'range' | 'all', heads: readonly (readonly [number, number])[]) => void;
  /** Drawn over the maps; `boxOf` gives a head's position in CSS pixels, null when the head is hidden. */
  overlay?: (boxOf: (layer: number, head: number) => Box | null) => React.ReactNode;
  /** A right click or long press on a cell, or the key N on a head. */
  onPoint?: (spot: Spot, at: { clientX: number; clientY: number }) => void;
}

const labelWidth = 34;
const labelHeight = 18;

/** Maps of all heads: rows are layers, columns heads. Pointing at a cell highlights its row and column in all maps. */
export const HeadGrid = memo(function HeadGrid(props: HeadGridProps) {
  const { maps, scaleOf, lines, hidden, lit, pinned, width, maxHeight, flip, onFocus, onSelect } = props;
  const rows = lines.layers.length;
  const columns = lines.heads.length;
  const grid = useMemo(
    () =>
      gridLayout({
        rows: lines.layers.map((layer) => mapSize(maps, layer)),
        columns,
        width: width - labelWidth,
        maxHeight: maxHeight - labelHeight,
        flip,
      }),
    [lines.layers, maps, columns, width, maxHeight, flip],
  );
  const has = (layer: number | undefined, head: number | undefined): boolean =>
    layer !== undefined && head !== undefined && head < (maps.layers[layer]?.heads ?? 0);
  const cells = useRef(new Map<string, HTMLElement>());
  const draw = useCallback(
    (pixels: Uint32Array) => {
      for (const [row, layer] of lines.layers.entries())
        for (const [column, head] of lines.heads.entries()) {
          if (hidden.has(headKey(layer, head)) || head >= maps.layers[layer]!.heads) continue;
          const { pool, block } = grid.rows[row]!;
          const size = mapSize(maps, layer);
          const target = { pixels, stride: grid.width, ...mapOrigin(grid, row, column), flip, block };
          paint(maps.values[layer]!, head * size.queries * size.keys, size, scaleOf(layer, head), target, pool);
        }
    },
    [maps, scaleOf, lines, hidden, grid, flip],
  );

  const size = { width: grid.width * grid.zoom, height: grid.height * grid.zoom };
  const spotAt = (event: PointerEvent | React.MouseEvent): Spot | null => {
    const box = event.currentTarget.getBoundingClientRect();
    const cell = cellAt(grid, event.clientX - box.left, event.clientY - box.top);
    if (!cell) return null;
    const [layer, head] = [lines.layers[cell.row]!, lines.heads[cell.column]!];
    if (!has(layer, head) || hidden.has(headKey(layer, head))) return null;
    return { layer, head, query: cell.query, key: cell.key };
  };

  const focusHead = (row: number, column: number): void => {
    const [layer, head] = [lines.layers[row], lines.heads[column]];
    if (layer === undefined || head === undefined) return;
    cells.current.get(headKey(layer, head))?.focus();
  };
  const onKey = (event: KeyboardEvent, row: number, column: number): void => {
    const [layer, head] = [lines.layers[row]!, lines.heads[column]!];
    const steps: Record<string, [number, number]> = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
    };
    const step = steps[event.key];
    if (step) focusHead(row + step[0], column + step[1]);
    else if (event.key === 'Home') focusHead(event.ctrlKey ? 0 : row, 0);
    else if (event.key === 'End') focusHead(event.ctrlKey ? rows - 1 : row, columns - 1);
    else if (event.key === 'Enter' || event.key === ' ')
      onFocus({ type: 'click', spot: { layer, head, query: null, key: null } });
    else if (event.key === 'n') {
      const at = event.currentTarget.getBoundingClientRect();
      props.onPoint?.({ layer, head, query: null, key: null }, { clientX: at.left, clientY: at.top });
    } else if (onSelect && event.key === 's') onSelect('solo', [[layer, head]]);
    else if (onSelect && event.key === 'h') onSelect('hide', [[layer, head]]);
    else if (onSelect && event.key === 'a') onSelect('all', []);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const active = litHead(pinned) ?? { layer: lines.layers[0]!, head: lines.heads[0]! };
  const activeShown = lines.layers.includes(active.layer) && lines.heads.includes(active.head);

  return (
    <div className="relative select-none" style={{ width: size.width + labelWidth, height: size.height + labelHeight }}>
      {lines.heads.map((head, column) => {
        const box = boxOf(grid, 0, column, null, null);
        return (
          <LineName
            key={head}
            title={`head ${head + 1} in every layer: click = alone, again = all`}
            style={{ left: labelWidth + box.x, top: 0, width: box.width, height: labelHeight }}
            onClick={
              onSelect &&
              (() =>
                onSelect(
                  'solo',
                  lines.layers.filter((layer) => has(layer, head)).map((layer) => [layer, head] as const),
                ))
            }
          >
            {grid.zoom * (grid.pitch - grid.gap) > 44 ? `head ${head + 1}` : head + 1}
          </LineName>
        );
      })}
      {lines.layers.map((layer, row) => {
        const box = boxOf(grid, row, 0, null, null);
        return (
          <LineName
            key={layer}
            title={`${layerName(maps, layer)}: click = alone, again = all`}
            style={{ left: 0, top: labelHeight + box.y, width: labelWidth - 4, height: box.height }}
            onClick={
              onSelect &&
              (() =>
                onSelect(
                  'solo',
                  lines.heads.filter((head) => has(layer, head)).map((head) => [layer, head] as const),
                ))
            }
          >
            {box.height > 40 ? (
              <span className="[writing-mode:vertical-rl] rotate-180">{layerName(maps, layer)}</span>
            ) : (
              layer + 1
            )}
          </LineName>
        );
      })}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the heads inside handle the keys; the pointer also finds cells between them. */}
      {/* biome-ignore lint/a11y/useSemanticElements: a grid of canvases is not a table. */}
      <div
        role="grid"
        tabIndex={-1}
        aria-label="attention maps, rows are layers, columns are heads"
        className="absolute touch-manipulation"
        style={{ left: labelWidth, top: labelHeight, ...size }}
        onPointerMove={(e) => e.pointerType !== 'touch' && onFocus({ type: 'hover', spot: spotAt(e) })}
        onPointerLeave={() => onFocus({ type: 'hover', spot: null })}
        onClick={(e) => {
          const spot = spotAt(e);
          const head = litHead(spot);
          if (head && onSelect && e.altKey) onSelect('hide', [[head.layer, head.head]]);
          else if (head && onSelect && e.shiftKey) onSelect('range', [[head.layer, head.head]]);
          else onFocus({ type: 'click', spot });
        }}
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
          <GridMarks grid={grid} maps={maps} lines={lines} lit={lit} pinned={pinned} hidden={hidden} />
        </svg>
        {lines.layers.map((layer, row) => (
          // biome-ignore lint/a11y/useSemanticElements: rows in a grid of canvases.
          // biome-ignore lint/a11y/useFocusableInteractive: the cells have the focus.
          <div key={layer} role="row" className="contents">
            {lines.heads.map((head, column) => {
              if (!has(layer, head)) return null;
              const off = hidden.has(headKey(layer, head));
              const here = activeShown ? layer === active.layer && head === active.head : row === 0 && column === 0;
              const box = boxOf(grid, row, column, null, null);
              return (
                // biome-ignore lint/a11y/useSemanticElements: a cell in a grid of canvases.
                <div
                  key={head}
                  ref={(element) => {
                    if (element) cells.current.set(headKey(layer, head), element);
                    else cells.current.delete(headKey(layer, head));
                  }}
                  role="gridcell"
                  aria-label={off ? `${headName(layer, head)}, hidden` : headName(layer, head)}
                  aria-selected={litHead(pinned)?.layer === layer && litHead(pinned)?.head === head}
                  tabIndex={here ? 0 : -1}
                  data-head={headKey(layer, head)}
                  className={`pointer-events-none absolute ${off ? 'border border-dashed border-line' : ''}`}
                  style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
                  onKeyDown={(e) => onKey(e, row, column)}
                />
              );
            })}
          </div>
        ))}
      </div>
      {props.overlay && (
        <div className="pointer-events-none absolute" style={{ left: labelWidth, top: labelHeight, ...size }}>
          {props.overlay((layer, head) => {
            const [row, column] = [lines.layers.indexOf(layer), lines.heads.indexOf(head)];
            return row < 0 || column < 0 || !has(layer, head) ? null : boxOf(grid, row, column, null, null);
          })}
        </div>
      )}
    </div>
  );
});

/** The layer's declared name, else its number. */
const layerName = ({ layers }: Pick<HeadMaps, 'layers'>, layer: number): string => layers[layer]?.name ?? `layer ${layer + 1}`;

/** Number of a row or column of heads; a button where a click can choose them. */
function LineName({
  style,
  title,
  onClick,
  children,
}: {
  style: React.CSSProperties;
  title: string;
  onClick: (() => void) | undefined;
  children: React.ReactNode;
}) {
  const className = 'absolute flex items-center justify-center overflow-hidden text-2xs whitespace-nowrap text-dim';
  if (!onClick)
    return (
      <span aria-hidden className={className} style={style}>
        {children}
      </span>
    );
  return (
    <button type="button" tabIndex={-1} title={title} onClick={onClick} className={`${className} hover:text-ink`} style={style}>
      {children}
    </button>
  );
}

type MarksProps = Pick<HeadGridProps, 'maps' | 'lines' | 'lit' | 'pinned' | 'hidden'> & { grid: ReturnType<typeof gridLayout> };

const boxPath = (b: Box): string => `M${b.x},${b.y}h${b.width}v${b.height}h${-b.width}z`;

/** Row and column of the highlighted token in all heads, as two paths for any number of heads; and the frame of the pinned head. */
function GridMarks({ grid, maps, lines, lit, pinned, hidden }: MarksProps) {
  let token = '';
  for (const [row, layer] of lines.layers.entries())
    for (const [column, head] of lines.heads.entries()) {
      const own = maps.layers[layer]!;
      if (hidden.has(headKey(layer, head)) || head >= own.heads) continue;
      if (lit && lit.query !== null && lit.query < own.queries) token += boxPath(boxOf(grid, row, column, lit.query, null));
      if (lit && lit.key !== null && lit.key < own.keys) token += boxPath(boxOf(grid, row, column, null, lit.key));
    }
  const frame = (spot: Spot | null) => {
    const head = litHead(spot);
    const row = head ? lines.layers.indexOf(head.layer) : -1;
    const column = head ? lines.heads.indexOf(head.head) : -1;
    return row < 0 || column < 0 ? '' : boxPath(boxOf(grid, row, column, null, null));
  };
  return (
    <>
      {/* Drawn dark and light, so that the lines are visible on every color; cells of a few pixels have room for one thin line only. */}
      {grid.zoom > 3 && <path d={token} className="fill-none stroke-black/70" strokeWidth={2.5} />}
      <path
        d={token}
        data-token-lines
        className="fill-none stroke-white"
        strokeWidth={1}
        strokeOpacity={grid.zoom > 3 ? 1 : 0.55}
      />
      <path d={frame(lit)} className="fill-none stroke-ink" strokeWidth={1} />
      <path d={frame(pinned)} className="fill-none stroke-accent" strokeWidth={2.5} />
    </>
  );
}
