import { type PointerEvent, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { Choose } from '~/app/_components/Choose';
import { MapFrame } from './MapFrame';
import type { MapProps, MapView } from './mapProps';
import {
  cellUnder,
  clampWindow,
  levelFor,
  type MapWindow,
  type Picture,
  paintWindow,
  pitchOf,
  sidesOf,
  smallestSpan,
  tileKinds,
  tileLevels,
  zoomedAt,
} from './tiles';

/** A press that moves less than this is a click. */
const clickPx = 4;
const tileWords = { max: 'strongest cell', mean: 'mean', min: 'weakest cell' } as const;

/** A map of many tokens in a window: Ctrl + wheel, two fingers or the buttons zoom; dragging pans; each pixel shows the cell that matters most. */
export function ZoomMap({ map, margin }: { map: MapProps; margin: number }) {
  const { values, queries, keys, causal = false, scale, flip, tile = 'max', onTile } = map;
  const { across, down, stretch } = useMemo(() => sidesOf({ queries, keys }), [queries, keys]);
  const longest = Math.max(across, down);
  const side = Math.max(80, Math.min(map.width - margin - 2, map.maxHeight - margin));
  const picture = useMemo((): Picture => {
    const length = (count: number) => Math.max(1, Math.round((side * count) / longest));
    return { queries, keys, causal, width: length(across), height: length(down) };
  }, [queries, keys, causal, side, longest, across, down]);
  const everything: MapWindow = { left: 0, top: 0, span: longest };
  const [asked, setWindow] = useState(everything);
  const at = useMemo(() => clampWindow(asked, picture), [asked, picture]);
  const signed = scale.diverging && scale.kind !== 'lift';
  const levels = useMemo(
    () => tileLevels(values, { queries, keys, causal }, tile, signed),
    [values, queries, keys, causal, tile, signed],
  );
  const pitch = pitchOf(picture, at);
  const perPixel = levelFor(levels, pitch).factor;
  const boxOf = useCallback<MapView['boxOf']>(
    (query, key) => ({
      x: key === null ? 0 : (key * stretch.across - at.left) * pitch,
      y: query === null ? 0 : ((flip ? queries - 1 - query : query) * stretch.down - at.top) * pitch,
      width: key === null ? picture.width : Math.max(1, pitch * stretch.across),
      height: query === null ? picture.height : Math.max(1, pitch * stretch.down),
    }),
    [at, pitch, flip, queries, picture, stretch],
  );
  const view = useMemo((): MapView => {
    const { width, height } = picture;
    const draw = (pixels: Uint32Array) => paintWindow(pixels, picture, at, levels, scale, flip);
    const cellAt = (x: number, y: number) => cellUnder(picture, at, levels, flip, x, y);
    const sides = { keys: pitch * stretch.across, queries: pitch * stretch.down };
    return { width, height, pitch: sides, canvas: { width, height, draw }, boxOf, cellAt };
  }, [picture, at, pitch, stretch, levels, scale, flip, boxOf]);

  const surface = useRef<HTMLDivElement>(null);
  const zoom = useCallback(
    (factor: number, x: number, y: number) => setWindow((w) => zoomedAt(clampWindow(w, picture), picture, factor, x, y)),
    [picture],
  );
  const placeOf = useCallback(({ clientX, clientY }: { clientX: number; clientY: number }) => {
    const box = surface.current!.getBoundingClientRect();
    return [clientX - box.left, clientY - box.top] as const;
  }, []);
  useEffect(() => {
    // React's wheel listeners are passive: they cannot prevent the page from zooming.
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 200), ...placeOf(event));
    };
    const element = surface.current;
    element?.addEventListener('wheel', onWheel, { passive: false });
    return () => element?.removeEventListener('wheel', onWheel);
  }, [zoom, placeOf]);

  const fingers = useRef(new Map<number, readonly [number, number]>()).current;
  const dragged = useRef(0);
  const onDown = (event: PointerEvent) => {
    if (!surface.current?.contains(event.target as Node)) return;
    surface.current.setPointerCapture(event.pointerId);
    if (fingers.size === 0) dragged.current = 0;
    fingers.set(event.pointerId, placeOf(event));
  };
  const onMove = (event: PointerEvent) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    event.stopPropagation();
    const [x, y] = placeOf(event);
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    dragged.current += Math.hypot(x - before[0], y - before[1]);
    if (dragged.current < clickPx) return;
    fingers.set(event.pointerId, [x, y]);
    if (other) {
      const apart = (p: readonly [number, number]) => Math.max(1, Math.hypot(p[0] - other[0], p[1] - other[1]));
      zoom(apart([x, y]) / apart(before), (x + other[0]) / 2, (y + other[1]) / 2);
    } else
      setWindow((old) => {
        const w = clampWindow(old, picture);
        const cells = pitchOf(picture, w);
        return clampWindow({ ...w, left: w.left - (x - before[0]) / cells, top: w.top - (y - before[1]) / cells }, picture);
      });
  };
  const onUp = (event: PointerEvent) => fingers.delete(event.pointerId);
  // Scrolls the cell that the keyboard moves to into view.
  const onWalk = (query: number, key: number) => {
    const box = boxOf(query, key);
    if (box.x >= 0 && box.y >= 0 && box.x < picture.width && box.y < picture.height) return;
    const line = flip ? queries - 1 - query : query;
    setWindow(clampWindow({ ...at, left: key * stretch.across - at.span / 2, top: line * stretch.down - at.span / 2 }, picture));
  };
  const whole = at.span >= longest;
  const middle = [picture.width / 2, picture.height / 2] as const;
  const buttons = [
    { label: 'closer', sign: '+', keys: '+=', off: at.span <= smallestSpan, act: () => zoom(1.5, ...middle) },
    { label: 'farther', sign: '−', keys: '-', off: whole, act: () => zoom(1 / 1.5, ...middle) },
    { label: 'the whole map', sign: 'all', keys: '0', off: whole, act: () => setWindow(everything) },
  ];
  const onKey = (event: React.KeyboardEvent) => {
    const button = event.key.length === 1 && buttons.find((b) => b.keys.includes(event.key));
    if (!button) return;
    button.act();
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the cell inside handles the keys; gestures are taken before the map sees them. */}
      <div
        onKeyDown={onKey}
        onPointerDownCapture={onDown}
        onPointerMoveCapture={onMove}
        onPointerUpCapture={onUp}
        onPointerCancelCapture={onUp}
        onClickCapture={(e) => dragged.current >= clickPx && surface.current?.contains(e.target as Node) && e.stopPropagation()}
        onDoubleClick={(e) => surface.current?.contains(e.target as Node) && zoom(2, ...placeOf(e))}
      >
        <MapFrame
          map={map}
          view={view}
          margin={margin}
          zoomed={{
            span: at.span,
            hint: '; plus and minus zoom',
            className: whole ? 'touch-pan-y' : 'touch-none cursor-grab active:cursor-grabbing',
            ref: surface,
            onWalk,
          }}
        />
      </div>
      <div className="flex flex-wrap items-center gap-1.5 text-xs text-dim" style={{ paddingLeft: margin }}>
        {buttons.map(({ label, sign, off, act }) => (
          <button
            key={label}
            type="button"
            aria-label={label}
            title={label}
            disabled={off}
            onClick={act}
            className="h-6 min-w-6 rounded border border-line bg-raised px-1 text-ink disabled:opacity-45"
          >
            {sign}
          </button>
        ))}
        {perPixel > 1 ? (
          <span className="flex items-center gap-1">
            each pixel: {perPixel} × {perPixel} cells,
            <Choose
              aria-label="what a pixel of many cells shows"
              options={tileKinds.map((kind) => ({ value: kind, text: tileWords[kind] }))}
              value={tile}
              disabled={!onTile}
              onPick={(kind) => onTile?.(kind)}
            />
          </span>
        ) : (
          <span>{whole ? 'every cell has its own pixels' : 'drag to pan'}</span>
        )}
      </div>
    </>
  );
}
