import { type Ref, useMemo } from 'react';
import { ActiveCell } from './ActiveCell';
import type { Spot } from './focus';
import { MapAxes } from './MapAxes';
import type { MapProps, MapView } from './mapProps';
import { PixelCanvas } from './PixelCanvas';
import { placeIn, pointing } from './pointing';

interface FrameProps {
  map: MapProps;
  view: MapView;
  /** Width of the labels. */
  margin: number;
  /** A window onto the map: what is outside of it is cut. */
  zoomed?: {
    span: number;
    hint: string;
    className: string;
    ref: Ref<HTMLDivElement>;
    onWalk: (query: number, key: number) => void;
  };
}

/** The picture of a map with its axes, its highlighted lines, and the cell that the keyboard reaches. */
export function MapFrame({ map, view, margin, zoomed }: FrameProps) {
  const { queries, keys, head, where, tokens, lit, pinned, flip, onFocus, onPoint, overlay } = map;
  const { width, height, boxOf } = view;
  const at = { left: margin, top: margin, width, height };
  const spotOf = (query: number | null, key: number | null): Spot => ({
    layer: head?.layer ?? null,
    head: head?.head ?? null,
    query,
    key,
  });
  const spotAt = (event: React.MouseEvent): Spot | null => {
    const cell = view.cellAt(...placeIn(event));
    return cell && spotOf(cell.query, cell.key);
  };
  // The axes stay as they are while only the numbers of the map change.
  // biome-ignore lint/correctness/useExhaustiveDependencies: `view` is the same place for the same sizes and window.
  const axesView = useMemo(() => view, [width, height, view.boxOf]);
  return (
    <div className="relative select-none" style={{ width: width + margin + 2, height: height + margin }}>
      <MapAxes {...{ queries, keys, tokens, margin, flip, lit, onFocus }} view={axesView} />
      {/* biome-ignore lint/a11y/useSemanticElements: a canvas is not a table; the panel offers one. */}
      <div
        ref={zoomed?.ref}
        role="grid"
        tabIndex={-1}
        aria-label={`${where}: rows are queries, columns are keys${zoomed?.hint ?? ''}`}
        aria-rowcount={queries}
        aria-colcount={keys}
        data-span={zoomed && Math.round(zoomed.span)}
        className={`absolute ${zoomed ? `overflow-hidden ${zoomed.className}` : 'touch-manipulation'}`}
        style={at}
        {...pointing(spotAt, onFocus, onPoint)}
      >
        <PixelCanvas {...view.canvas} />
        <svg width={width} height={height} className="pointer-events-none absolute inset-0 overflow-visible" aria-hidden>
          <Marks boxOf={boxOf} lit={lit} pinned={pinned} />
        </svg>
        <ActiveCell map={map} spotOf={spotOf} boxOf={boxOf} onWalk={zoomed?.onWalk} />
      </div>
      {overlay && (
        <div className={`pointer-events-none absolute ${zoomed ? 'overflow-hidden' : ''}`} style={at}>
          {overlay(boxOf)}
        </div>
      )}
    </div>
  );
}

/** The highlighted row and column, dark and light to be visible on every color, and the pinned cell. */
function Marks({ boxOf, lit, pinned }: Pick<MapView, 'boxOf'> & Pick<MapProps, 'lit' | 'pinned'>) {
  const lines: [number | null, number | null][] = [];
  if (lit && lit.query !== null) lines.push([lit.query, null]);
  if (lit && lit.key !== null) lines.push([null, lit.key]);
  const strokes = [
    { className: 'stroke-black/70', strokeWidth: 3 },
    { className: 'stroke-white', strokeWidth: 1.25 },
  ];
  return (
    <g className="fill-none">
      {strokes.flatMap((stroke, n) =>
        lines.map(([query, key]) => <rect key={`${n} ${query === null}`} {...boxOf(query, key)} {...stroke} />),
      )}
      {pinned && pinned.query !== null && pinned.key !== null && (
        <rect {...boxOf(pinned.query, pinned.key)} className="stroke-accent" strokeWidth={2.5} />
      )}
    </g>
  );
}
