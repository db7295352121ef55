'use client';

import { type PointerEvent, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { ActiveCell } from './ActiveCell';
import type { BigMapProps } from './bigMapProps';
import type { Spot } from './focus';
import type { Box } from './layout';
import { MapMarks } from './MapMarks';
import { PixelCanvas } from './PixelCanvas';
import {
  cellUnder,
  clampWindow,
  levelFor,
  type MapWindow,
  type Picture,
  paintWindow,
  pitchOf,
  tileKinds,
  tileLevels,
  zoomedAt,
} from './tiles';

const margin = 34;
/** A press that moves less than this is a click. */
const clickPx = 4;
const tileWords = { max: 'strongest cell', mean: 'mean', min: 'weakest cell' } as const;

/** A map of many tokens in a window: Ctrl + wheel, two fingers or the buttons zoom; dragging pans; each pixel shows the cell that matters most. */
export function ZoomMap(props: BigMapProps) {
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
    flip,
    tile = 'max',
    onTile,
    onFocus,
  } = props;
  const longest = Math.max(queries, keys);
  const side = Math.max(80, Math.min(props.width - margin - 2, props.maxHeight - margin));
  const picture = useMemo(
    (): Picture => ({
      queries,
      keys,
      causal,
      width: Math.max(1, Math.round((side * keys) / longest)),
      height: Math.max(1, Math.round((side * queries) / longest)),
    }),
    [queries, keys, causal, side, longest],
  );
  const [asked, setWindow] = useState<MapWindow>({ left: 0, top: 0, span: longest });
  const view = useMemo(() => clampWindow(asked, picture), [asked, picture]);
  const signed = scale.diverging && scale.kind !== 'lift';
  const levels = useMemo(
    () => tileLevels(values, { queries, keys, causal }, tile, signed),
    [values, queries, keys, causal, tile, signed],
  );
  const draw = useCallback(
    (pixels: Uint32Array) => paintWindow(pixels, picture, view, levels, scale, flip),
    [picture, view, levels, scale, flip],
  );
  const pitch = pitchOf(picture, view);
  const perPixel = levelFor(levels, pitch).factor;
  const spotOf = (query: number | null, key: number | null): Spot => ({
    layer: head?.layer ?? null,
    head: head?.head ?? null,
    query,
    key,
  });
  const placeOf = (event: { clientX: number; clientY: number; currentTarget: Element }) => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top] as const;
  };
  const spotAt = (event: PointerEvent | React.MouseEvent): Spot | null => {
    const cell = cellUnder(picture, view, levels, flip, ...placeOf(event));
    return cell && spotOf(cell.query, cell.key);
  };
  const boxOf = (query: number | null, key: number | null): Box => {
    const down = query === null ? 0 : flip ? queries - 1 - query : query;
    return {
      x: key === null ? 0 : (key - view.left) * pitch,
      y: query === null ? 0 : (down - view.top) * pitch,
      width: key === null ? picture.width : Math.max(1, pitch),
      height: query === null ? picture.height : Math.max(1, pitch),
    };
  };
  const surface = useRef<HTMLDivElement>(null);
  const zoom = useCallback(
    (factor: number, x: number, y: number) => setWindow((w) => zoomedAt(clampWindow(w, picture), picture, factor, x, y)),
    [picture],
  );
  useEffect(() => {
    const element = surface.current;
    if (!element) return;
    // React's wheel listeners are passive: they cannot prevent the page from zooming.
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      const box = element.getBoundingClientRect();
      zoom(Math.exp(-event.deltaY / 200), event.clientX - box.left, event.clientY - box.top);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [zoom]);

  const fingers = useRef(new Map<number, readonly [number, number]>()).current;
  const dragged = useRef(0);
  const onDown = (event: PointerEvent) => {
    event.currentTarget.setPointerCapture(event.pointerId);
    if (fingers.size === 0) dragged.current = 0;
    fingers.set(event.pointerId, placeOf(event));
  };
  const onMove = (event: PointerEvent) => {
    const before = fingers.get(event.pointerId);
    const at = placeOf(event);
    if (!before) {
      if (event.pointerType !== 'touch') onFocus({ type: 'hover', spot: spotAt(event) });
      return;
    }
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    dragged.current += Math.hypot(at[0] - before[0], at[1] - before[1]);
    if (dragged.current < clickPx) return;
    fingers.set(event.pointerId, at);
    if (other) {
      const apart = (p: readonly [number, number]) => Math.max(1, Math.hypot(p[0] - other[0], p[1] - other[1]));
      zoom(apart(at) / apart(before), (at[0] + other[0]) / 2, (at[1] + other[1]) / 2);
    } else
      setWindow((old) => {
        const w = clampWindow(old, picture);
        const cells = pitchOf(picture, w);
        const [left, top] = [w.left - (at[0] - before[0]) / cells, w.top - (at[1] - before[1]) / cells];
        return clampWindow({ ...w, left, top }, picture);
      });
  };
  const onUp = (event: PointerEvent) => fingers.delete(event.pointerId);
  const whole = view.span >= longest;
  // Scrolls the cell that the keyboard moves to into view.
  const show = (spot: Spot | null) => {
    if (!spot || spot.query === null || spot.key === null) return;
    const box = boxOf(spot.query, spot.key);
    if (box.x >= 0 && box.y >= 0 && box.x < picture.width && box.y < picture.height) return;
    const down = flip ? queries - 1 - spot.query : spot.query;
    setWindow(clampWindow({ ...view, left: spot.key - view.span / 2, top: down - view.span / 2 }, picture));
  };
  const middle = [picture.width / 2, picture.height / 2] as const;
  const onKey = (event: React.KeyboardEvent) => {
    if (event.key === '+' || event.key === '=') zoom(1.5, ...middle);
    else if (event.key === '-') zoom(1 / 1.5, ...middle);
    else if (event.key === '0') setWindow({ left: 0, top: 0, span: longest });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div className="flex min-w-0 flex-col gap-1" data-testid="big-map">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the cell inside handles the keys. */}
      <div
        className="relative select-none"
        style={{ width: picture.width + margin + 2, height: picture.height + margin }}
        onKeyDown={onKey}
      >
        <ZoomAxes picture={picture} view={view} flip={flip} text={(side, t) => tokens[side][t]?.text ?? ''} lit={lit} />
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the cell inside handles the keys. */}
        {/* biome-ignore lint/a11y/useSemanticElements: a canvas is not a table; the panel offers one. */}
        <div
          ref={surface}
          role="grid"
          tabIndex={-1}
          aria-label={`${where}: rows are queries, columns are keys; plus and minus zoom`}
          aria-rowcount={queries}
          aria-colcount={keys}
          data-span={Math.round(view.span)}
          className={`absolute overflow-hidden ${whole ? 'touch-pan-y' : 'touch-none cursor-grab active:cursor-grabbing'}`}
          style={{ left: margin, top: margin, width: picture.width, height: picture.height }}
          onPointerDown={onDown}
          onPointerMove={onMove}
          onPointerUp={onUp}
          onPointerCancel={onUp}
          onPointerLeave={() => onFocus({ type: 'hover', spot: null })}
          onClick={(e) => dragged.current < clickPx && onFocus({ type: 'click', spot: spotAt(e) })}
          onDoubleClick={(e) => zoom(2, ...placeOf(e))}
          onContextMenu={(e) => {
            const spot = spotAt(e);
            if (!spot || !props.onPoint) return;
            e.preventDefault();
            props.onPoint(spot, e);
          }}
        >
          <PixelCanvas width={picture.width} height={picture.height} draw={draw} />
          <svg width={picture.width} height={picture.height} className="pointer-events-none absolute inset-0" aria-hidden>
            <MapMarks boxOf={boxOf} lit={lit} pinned={pinned} />
          </svg>
          <ActiveCell
            {...props}
            spotOf={spotOf}
            boxOf={boxOf}
            onFocus={(event) => {
              if (event.type === 'hover') show(event.spot);
              onFocus(event);
            }}
          />
          {props.overlay && <div className="pointer-events-none absolute inset-0">{props.overlay(boxOf)}</div>}
        </div>
      </div>
      <div className="flex flex-wrap items-center gap-1.5 text-xs text-dim" style={{ paddingLeft: margin }}>
        <ZoomButton label="closer" sign="+" off={view.span <= 8} onClick={() => zoom(1.5, ...middle)} />
        <ZoomButton label="farther" sign="−" off={whole} onClick={() => zoom(1 / 1.5, ...middle)} />
        <ZoomButton label="the whole map" sign="all" off={whole} onClick={() => setWindow({ left: 0, top: 0, span: longest })} />
        {perPixel > 1 ? (
          <label className="flex items-center gap-1">
            each pixel: {perPixel} × {perPixel} cells,
            <select
              className="h-6 rounded border border-line bg-raised px-1 text-xs text-ink"
              aria-label="what a pixel of many cells shows"
              value={tile}
              disabled={!onTile}
              onChange={(e) => onTile?.(e.target.value as typeof tile)}
            >
              {tileKinds.map((kind) => (
                <option key={kind} value={kind}>
                  {tileWords[kind]}
                </option>
              ))}
            </select>
          </label>
        ) : (
          <span>{whole ? 'every cell has its own pixels' : 'drag to pan'}</span>
        )}
      </div>
    </div>
  );
}

function ZoomButton({ label, sign, off, onClick }: { label: string; sign: string; off: boolean; onClick: () => void }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      disabled={off}
      onClick={onClick}
      className="h-6 min-w-6 rounded border border-line bg-raised px-1 text-ink disabled:opacity-45"
    >
      {sign}
    </button>
  );
}

interface ZoomAxesProps {
  picture: Picture;
  view: MapWindow;
  flip: boolean;
  text: (side: 'queries' | 'keys', token: number) => string;
  lit: Spot | null;
}

const apart = 34;

/** Positions of the rows and columns in view, and their tokens where there is room. */
function ZoomAxes({ picture, view, flip, text, lit }: ZoomAxesProps) {
  const { queries, keys, width, height } = picture;
  const pitch = pitchOf(picture, view);
  const every = pitch >= 16 ? 1 : ([2, 5, 10, 20, 50, 100, 200, 500].find((n) => n * pitch >= apart) ?? 1000);
  const words = (side: 'queries' | 'keys', t: number) =>
    pitch >= 16 ? text(side, t).slice(0, Math.max(1, Math.floor(pitch / 6))) : String(t + 1);
  const shown = (count: number, from: number, length: number) =>
    Array.from({ length: Math.ceil(length / pitch) + 1 }, (_, i) => Math.floor(from) + i).filter(
      (t) =>
        t >= 0 &&
        t < count &&
        (every === 1 || (t + 1) % every === 0) &&
        (t + 0.5 - from) * pitch >= 0 &&
        (t + 0.5 - from) * pitch <= length,
    );
  const className = (on: boolean) => `font-mono text-[10px] ${on ? 'fill-ink font-bold' : 'fill-dim'}`;
  return (
    <svg width={width + margin} height={height + margin} className="absolute inset-0 overflow-visible" aria-hidden>
      {shown(keys, view.left, width).map((t) => (
        <text
          key={t}
          x={margin + (t + 0.5 - view.left) * pitch}
          y={margin - 5}
          textAnchor="middle"
          className={className(lit?.key === t)}
        >
          {words('keys', t)}
        </text>
      ))}
      {shown(queries, view.top, height).map((place) => {
        const t = flip ? queries - 1 - place : place;
        return (
          <text
            key={t}
            x={margin - 5}
            y={margin + (place + 0.5 - view.top) * pitch}
            dy="0.32em"
            textAnchor="end"
            className={className(lit?.query === t)}
          >
            {words('queries', t)}
          </text>
        );
      })}
      <text x={margin + width / 2} y={9} textAnchor="middle" className="fill-dim text-[9px]">
        keys →
      </text>
      <text transform={`translate(8 ${margin + height / 2}) rotate(-90)`} textAnchor="middle" className="fill-dim text-[9px]">
        {flip ? 'queries →' : '← queries'}
      </text>
    </svg>
  );
}
