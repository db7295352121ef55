import { type KeyboardEvent, memo, useCallback, useMemo } from 'react';
import { labelWidth } from '~/app/_charts/margins';
import { type HeadMaps, mapSize } from './derive';
import { EdgeLabel } from './EdgeLabel';
import { type FocusEvent, litHead, type Spot } from './focus';
import { type Box, boxOf, cellAt, type GridLayout, gridLayout } from './layout';
import { PixelCanvas } from './PixelCanvas';
import { paintHeads } from './paintHeads';
import { placeIn, pointing } from './pointing';
import type { ColorScale } from './scale';
import { type HeadId, type HeadRow, type Hidden, headKey, headRows } from './selection';
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
  onSelect?: (what: 'solo' | 'hide' | 'range' | 'all', heads: readonly HeadId[]) => void;
  /** Drawn over the maps; `boxOf` gives a head's position in CSS pixels, null when the head is hidden. */
  overlay?: (boxOf: (layer: number, head: number) => Box | null) => React.ReactNode;
  /** A right click or long press on a cell, or the key N on a head. */
  onPoint?: (spot: Spot, at: { clientX: number; clientY: number }) => void;
}

/** Room for the names of the layers. */
const rowNames = 34;
const labelHeight = 18;

/** Maps of all heads: rows are layers, columns heads. Pointing at a cell highlights its row and column in all maps. */
export const HeadGrid = memo(function HeadGrid(props: HeadGridProps) {
  const { maps, scaleOf, lines, hidden, lit, pinned, width, maxHeight, flip, onFocus, onSelect, onPoint } = props;
  const { layers, causal } = maps;
  // Depend on the shape of the maps alone: a new step paints pixels and changes no element.
  const rows = useMemo(() => headRows(lines, width - rowNames), [lines, width]);
  const grid = useMemo(
    () =>
      gridLayout({
        rows: rows.map(({ layer }) => mapSize({ layers, causal }, layer)),
        columns: Math.max(0, ...rows.map((r) => r.heads.length)),
        width: width - rowNames,
        maxHeight: maxHeight - labelHeight,
        flip,
      }),
    [rows, layers, causal, width, maxHeight, flip],
  );
  const has = (layer: number, head: number): boolean => head < (layers[layer]?.heads ?? 0) && !hidden.has(headKey(layer, head));
  const draw = useCallback(
    (pixels: Uint32Array) => paintHeads(pixels, grid, maps, rows, (l, h) => (hidden.has(headKey(l, h)) ? null : scaleOf(l, h))),
    [maps, scaleOf, rows, hidden, grid],
  );
  const size = { width: grid.width * grid.zoom, height: grid.height * grid.zoom };
  const at = { left: rowNames, top: labelHeight, ...size };
  const spotAt = (event: React.MouseEvent): Spot | null => {
    const cell = cellAt(grid, ...placeIn(event));
    const { layer, heads } = rows[cell?.row ?? -1] ?? { layer: -1, heads: [] };
    const head = heads[cell?.column ?? -1];
    return cell && head !== undefined && has(layer, head) ? { layer, head, query: cell.query, key: cell.key } : null;
  };
  const boxOfHead = (layer: number, head: number): Box | null => {
    const row = rows.findIndex((r) => r.layer === layer && r.heads.includes(head));
    return row < 0 || head >= layers[layer]!.heads ? null : boxOf(grid, row, rows[row]!.heads.indexOf(head), null, null);
  };
  const { onClick, ...pointer } = pointing(spotAt, onFocus, onPoint);
  return (
    <div className="relative select-none" style={{ width: size.width + rowNames, height: size.height + labelHeight }}>
      <LineNames {...{ grid, layers, rows, onSelect }} />
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: the heads inside handle the keys; the pointer also finds cells between them. */}
      {/* biome-ignore lint/a11y/useSemanticElements: a grid of canvases is not a table. */}
      <div
        role="grid"
        tabIndex={-1}
        aria-label={isWrapped(rows) ? 'attention maps of the heads' : 'attention maps, rows are layers, columns are heads'}
        className="absolute touch-manipulation"
        style={at}
        {...pointer}
        onClick={(e) => {
          const head = e.altKey || e.shiftKey ? litHead(spotAt(e)) : null;
          if (head && onSelect) onSelect(e.altKey ? 'hide' : 'range', [[head.layer, head.head]]);
          else onClick(e);
        }}
      >
        <PixelCanvas width={grid.width} height={grid.height} draw={draw} />
        <svg {...size} className="pointer-events-none absolute inset-0 overflow-visible" aria-hidden>
          <Marks {...{ grid, layers, rows, lit, pinned, has, boxOfHead }} />
        </svg>
        <HeadCells {...{ grid, layers, rows, hidden, pinned, onFocus, onSelect, onPoint }} />
      </div>
      {props.overlay && (
        <div className="pointer-events-none absolute" style={at}>
          {props.overlay(boxOfHead)}
        </div>
      )}
    </div>
  );
});

interface Shape {
  grid: GridLayout;
  layers: HeadMaps['layers'];
  rows: readonly HeadRow[];
}

/** The elements that the keyboard and the screen reader reach, one per head. */
const HeadCells = memo(function HeadCells(
  props: Shape & Pick<HeadGridProps, 'hidden' | 'pinned' | 'onFocus' | 'onSelect' | 'onPoint'>,
) {
  const { grid, layers, rows, hidden, pinned, onFocus, onSelect, onPoint } = props;
  const onKey = (event: KeyboardEvent, row: number, column: number): void => {
    const { layer, heads } = rows[row]!;
    const head = heads[column]!;
    const spot = { layer, head, query: null, key: null };
    const box = event.currentTarget.getBoundingClientRect();
    const focus = (r: number, c: number) =>
      event.currentTarget
        .closest('[role=grid]')
        ?.querySelector<HTMLElement>(`[data-head="${headKey(rows[r]?.layer ?? -1, rows[r]?.heads[c] ?? -1)}"]`)
        ?.focus();
    const moves: Record<string, [row: number, column: number]> = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: event.ctrlKey ? [rows.length - 1, rows.at(-1)!.heads.length - 1] : [row, heads.length - 1],
    };
    const move = moves[event.key];
    if (move) focus(...move);
    else if (event.key === 'Enter' || event.key === ' ') onFocus({ type: 'click', spot });
    else if (event.key === 'n') onPoint?.(spot, { clientX: box.left, clientY: box.top });
    else if (onSelect && event.key === 's') onSelect('solo', [[layer, head]]);
    else if (onSelect && event.key === 'h') onSelect('hide', [[layer, head]]);
    else if (onSelect && event.key === 'a') onSelect('all', []);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const selected = litHead(pinned);
  const active =
    selected && rows.some((r) => r.layer === selected.layer && r.heads.includes(selected.head))
      ? selected
      : { layer: rows[0]?.layer, head: rows[0]?.heads[0] };
  return rows.map(({ layer, heads }, row) => (
    // biome-ignore lint/a11y/useSemanticElements: rows in a grid of canvases.
    // biome-ignore lint/a11y/useFocusableInteractive: the cells have the focus.
    <div key={row} role="row" className="contents">
      {heads.map((head, column) => {
        if (head >= layers[layer]!.heads) return null;
        const off = hidden.has(headKey(layer, head));
        const { x, y, width, height } = boxOf(grid, row, column, null, null);
        return (
          // biome-ignore lint/a11y/useSemanticElements: a cell in a grid of canvases.
          <div
            key={head}
            role="gridcell"
            aria-label={off ? `${headName(layer, head)}, hidden` : headName(layer, head)}
            aria-selected={selected?.layer === layer && selected.head === head}
            tabIndex={layer === active.layer && head === active.head ? 0 : -1}
            data-head={headKey(layer, head)}
            className={`pointer-events-none absolute ${off ? 'border border-dashed border-line' : ''}`}
            style={{ left: x, top: y, width, height }}
            onKeyDown={(e) => onKey(e, row, column)}
          />
        );
      })}
    </div>
  ));
});

/** Whether the rows are those of one layer. */
const isWrapped = (rows: readonly HeadRow[]): boolean => rows.length > 1 && rows[0]!.layer === rows[1]!.layer;

/** Names of the rows and columns; buttons where a click can choose their heads. */
const LineNames = memo(function LineNames({ grid, layers, rows, onSelect }: Shape & Pick<HeadGridProps, 'onSelect'>) {
  const known = (heads: HeadId[]) => heads.filter(([layer, head]) => head < layers[layer]!.heads);
  const wrapped = isWrapped(rows);
  const heads = wrapped ? [] : (rows[0]?.heads ?? []);
  // A number has room of its own: of small maps only every second, third ... has one.
  const every = Math.ceil((labelWidth(String(Math.max(0, ...heads) + 1)) + 4) / (grid.pitch * grid.zoom));
  const columns = heads.map((head, column) => {
    const { x, width } = boxOf(grid, 0, column, null, null);
    return {
      name: `head ${head + 1} in every layer`,
      text: width > 44 ? `head ${head + 1}` : column % every === 0 ? head + 1 : null,
      style: { left: rowNames + x, top: 0, width, height: labelHeight },
      heads: known(rows.map(({ layer }) => [layer, head])),
    };
  });
  let free = Number.NEGATIVE_INFINITY;
  const lines = rows.map(({ layer, heads }, row) => {
    const { y, height } = boxOf(grid, row, 0, null, null);
    const range = `${heads[0]! + 1}–${heads.at(-1)! + 1}`;
    const name = layers[layer]?.name ?? `layer ${layer + 1}`;
    const text = wrapped ? range : name;
    const numbered = y + height / 2 >= free;
    if (numbered) free = y + height / 2 + labelWidth('10');
    return {
      name: wrapped ? `heads ${range}` : name,
      // A name that is cut tells no row from another.
      text:
        height > 40 && labelWidth(text) <= height ? (
          <span className="[writing-mode:vertical-rl] rotate-180">{text}</span>
        ) : numbered ? (
          (wrapped ? heads[0]! : layer) + 1
        ) : null,
      style: { left: 0, top: labelHeight + y, width: rowNames - 4, height },
      heads: known(heads.map((head) => [layer, head])),
    };
  });
  const className = 'absolute flex items-center justify-center text-2xs whitespace-nowrap text-dim';
  return [...columns, ...lines].map(({ name, text, style, heads }, n) => (
    <EdgeLabel
      key={n}
      title={`${name}: click = alone, again = all`}
      onPick={onSelect && (() => onSelect('solo', heads))}
      className={className}
      style={style}
    >
      {text}
    </EdgeLabel>
  ));
});

const boxPath = (b: Box | null): string => (b ? `M${b.x},${b.y}h${b.width}v${b.height}h${-b.width}z` : '');

/** Row and column of the highlighted token in all heads, as two paths for any number of heads; and the frame of the pinned head. */
function Marks({
  grid,
  layers,
  rows,
  lit,
  pinned,
  has,
  boxOfHead,
}: Shape &
  Pick<HeadGridProps, 'lit' | 'pinned'> & {
    has: (layer: number, head: number) => boolean;
    boxOfHead: (layer: number, head: number) => Box | null;
  }) {
  const [query, key] = [lit?.query ?? null, lit?.key ?? null];
  let token = '';
  for (const [row, { layer, heads }] of rows.entries())
    for (const [column, head] of heads.entries()) {
      const { queries, keys } = layers[layer]!;
      if (!has(layer, head)) continue;
      if (query !== null && query < queries) token += boxPath(boxOf(grid, row, column, query, null));
      if (key !== null && key < keys) token += boxPath(boxOf(grid, row, column, null, key));
    }
  const frame = (spot: Spot | null) => {
    const head = litHead(spot);
    return boxPath(head && boxOfHead(head.layer, head.head));
  };
  const roomy = grid.zoom > 3;
  return (
    <g className="fill-none">
      {/* Drawn dark and light, so that the lines are visible on every color; cells of a few pixels have room for one thin line only. */}
      {roomy && <path d={token} className="stroke-black/70" strokeWidth={2.5} />}
      <path d={token} data-token-lines className="stroke-white" strokeWidth={1} strokeOpacity={roomy ? 1 : 0.55} />
      <path d={frame(lit)} className="stroke-ink" strokeWidth={1} />
      <path d={frame(pinned)} className="stroke-accent" strokeWidth={2.5} />
    </g>
  );
}
