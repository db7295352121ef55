'use client';

import { AxisBottom } from '@visx/axis';
import { scaleLinear } from '@visx/scale';
import { useCallback, useEffect, useId, useRef, useState } from 'react';
import { ChartMenu } from './ChartMenu';
import { moveByKey } from './cursorKeys';
import { growingEnd } from './domains';
import { type Plot, pixelX, stepAtPixel } from './draw';
import { askFrame, dropFrame } from './drawLoop';
import { chartCsv, heatSvg } from './exportChart';
import { formatStep, formatTick } from './format';
import { type GestureTarget, useGestures } from './gestures';
import { HeatLegend } from './HeatLegend';
import { heatDomain, heatPixels, type Rgb } from './heat';
import { MarksLayer } from './MarksLayer';
import { usePalette } from './palette';
import { piecesOf } from './pieces';
import { readout } from './readout';
import type { ChartCursor, LineSpec, Mark } from './types';
import { useSize } from './useSize';
import type { XMap } from './xMap';

const top = 18;
const bottom = 22;
const right = 14;
const heatY = [0, 1] as const;
const none: readonly never[] = [];

export interface HeatMapProps {
  title: string;
  rows: readonly LineSpec[];
  map: XMap;
  cursor: ChartCursor;
  subscribe(listener: () => void): () => void;
  /** A threshold shown on the colour scale. */
  limit: { label: string; value: number } | null;
  marks?: readonly Mark[];
  stops?: readonly number[];
  notice?: React.ReactNode;
}

/** Series x steps, coloured on a log scale. Cells are a canvas, one image pixel per column and series, stretched without smoothing. */
export function HeatMap({ title, rows, map, cursor, subscribe, limit, marks = none, stops = none, notice }: HeatMapProps) {
  const palette = usePalette();
  const id = useId();
  const box = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const labels = useRef<SVGSVGElement>(null);
  const overlay = useRef<SVGGElement>(null);
  const brushRect = useRef<SVGRectElement>(null);
  const size = useSize(box);
  const [shown, setShown] = useState<{ x: [number, number]; domain: [number, number] } | null>(null);
  const [tip, setTip] = useState<{ px: number; row: number; step: number; turn: number } | null>(null);
  const now = useRef({ shown: null as typeof shown, stale: true, row: -1, turn: 0, image: null as HTMLCanvasElement | null });

  const left = size.width < 480 ? 92 : 188;
  const rowHeight = Math.min(17, Math.max(5, Math.floor(420 / Math.max(1, rows.length))));
  const width = Math.max(0, size.width - left - right);
  const height = rowHeight * rows.length;
  const live = useRef({ rows, map, cursor, palette, width, height });
  live.current = { rows, map, cursor, palette, width, height };

  const plotOf = useCallback(
    (x: readonly [number, number]): Plot => ({
      x,
      y: [0, 1],
      log: false,
      map: live.current.map,
      width: live.current.width,
      height: live.current.height,
    }),
    [],
  );

  const frame = useCallback(() => {
    const { rows, map, cursor, palette, width, height } = live.current;
    const element = canvas.current;
    if (!element || width < 20 || rows.length === 0) return;
    const state = now.current;
    const curves = rows.map((r) => r.curve() ?? r.whole?.() ?? null);
    if (state.stale) {
      state.stale = false;
      const { zoom } = cursor.get();
      const head = Math.max(cursor.headStep(), ...curves.map((c) => (c && c.toStep === null ? c.headStep : 0)));
      const [from, to] = zoom ?? [0, growingEnd(head)];
      const x: [number, number] = [map.of(from), map.of(to)];
      if (!(x[1] > x[0])) x[1] = x[0] + 1;
      const domain = heatDomain(curves);
      const old = state.shown;
      if (
        !old ||
        old.x[0] !== x[0] ||
        Math.abs(old.x[1] - x[1]) > (x[1] - x[0]) / width / 2 ||
        old.domain[0] !== domain[0] ||
        old.domain[1] !== domain[1]
      ) {
        state.shown = { x, domain };
        setShown(state.shown);
      }
      const ratio = Math.min(3, window.devicePixelRatio || 1);
      const columns = Math.max(1, Math.round(width * ratio));
      state.image ??= document.createElement('canvas');
      const image = state.image;
      if (image.width !== columns || image.height !== rows.length) {
        image.width = columns;
        image.height = rows.length;
      }
      const pixels = heatPixels(
        rows.map((r) => piecesOf(r, map, state.shown!.x)),
        plotOf(state.shown!.x),
        columns,
        state.shown!.domain,
        rgb(palette.raised),
        rgb(palette.bad),
      );
      image.getContext('2d')!.putImageData(new ImageData(pixels, columns, rows.length), 0, 0);
      if (element.width !== columns || element.height !== Math.round(height * ratio)) {
        element.width = columns;
        element.height = Math.round(height * ratio);
      }
      const pen = element.getContext('2d')!;
      pen.imageSmoothingEnabled = false;
      pen.clearRect(0, 0, element.width, element.height);
      pen.drawImage(image, 0, 0, columns, rows.length, 0, 0, element.width, element.height);
    }
    if (!state.shown) return;
    const plot = plotOf(state.shown.x);
    const c = cursor.get();
    placeLines(overlay.current, plot, c.mode === 'pinned' ? c.step : null, c.hoverStep, state.row, height / rows.length);
    if (state.row >= 0 && c.hoverStep !== null)
      setTip({ px: pixelX(plot, c.hoverStep), row: state.row, step: c.hoverStep, turn: state.turn++ });
    else setTip((old) => (old ? null : old));
  }, [plotOf]);

  useEffect(() => {
    now.current.stale = true;
    askFrame(frame);
  });
  useEffect(() => {
    let zoom = cursor.get().zoom;
    const stops = [
      subscribe(() => {
        now.current.stale = true;
        askFrame(frame);
      }),
      cursor.subscribe(() => {
        const next = cursor.get().zoom;
        if (next !== zoom) now.current.stale = true;
        zoom = next;
        askFrame(frame);
      }),
    ];
    return () => {
      for (const s of stops) s();
      dropFrame(frame);
    };
  }, [subscribe, cursor, frame]);

  const gestures = useRef<GestureTarget>(null!);
  gestures.current = {
    cursor,
    stepAt: (px) => {
      const x = now.current.shown?.x;
      return x ? Math.min(cursor.headStep(), Math.max(0, Math.round(stepAtPixel(plotOf(x), px)))) : 0;
    },
    span: () => {
      const x = now.current.shown?.x;
      return x ? [map.stepOf(x[0]), map.stepOf(x[1])] : [0, 1];
    },
    brush: (range) => {
      const rect = brushRect.current;
      if (!rect) return;
      rect.style.display = range ? '' : 'none';
      if (!range) return;
      const [a, b] = [Math.max(0, Math.min(...range)), Math.min(width, Math.max(...range))];
      rect.setAttribute('x', String(a));
      rect.setAttribute('width', String(Math.max(0, b - a)));
    },
  };
  useGestures(area, gestures);

  const stride = Math.ceil(12 / rowHeight);
  const row = tip ? rows[tip.row] : undefined;
  const read = tip && row ? readout(row, Math.min(tip.step, cursor.headStep() - 1), 0, false) : null;
  return (
    <figure aria-labelledby={`${id}title`} className="min-w-0">
      <figcaption className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span id={`${id}title`} className="font-semibold">
          {title}
        </span>
        {shown && <HeatLegend domain={shown.domain} limit={limit} />}
        <span className="ml-auto">
          <ChartMenu
            title={title}
            svg={() =>
              labels.current && now.current.image
                ? heatSvg(title, labels.current, now.current.image, { left, top, width, height }, palette)
                : null
            }
            csv={() => chartCsv(rows, none)}
          />
        </span>
      </figcaption>
      <p id={`${id}said`} className="sr-only">
        {title}: {rows.length} series over training steps; a cell is the largest value of its steps.
      </p>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is a form's, this is a chart */}
      <div
        ref={box}
        className="relative"
        style={{ height: Math.max(60, height) + top + bottom }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the chart takes arrow keys
        tabIndex={0}
        role="group"
        aria-roledescription="heat map"
        aria-labelledby={`${id}title`}
        aria-describedby={`${id}said`}
        onKeyDown={(e) => {
          if (!moveByKey(e, cursor, stops)) return;
          e.preventDefault();
          e.stopPropagation();
        }}
      >
        <canvas ref={canvas} aria-hidden className="absolute" style={{ left, top, width, height }} />
        <svg ref={labels} width={size.width} height={height + top + bottom} aria-hidden className="absolute inset-0 select-none">
          <g transform={`translate(${left},${top})`}>
            {rows.map((r, i) =>
              i % stride === 0 ? (
                <text
                  key={r.name}
                  x={-6}
                  y={(i + 0.5) * rowHeight + 4}
                  textAnchor="end"
                  fontSize={11}
                  fill={tip?.row === i ? 'var(--color-ink)' : 'var(--color-dim)'}
                >
                  {tail(r.label, left < 100 ? 13 : 29)}
                </text>
              ) : null,
            )}
            {shown && (
              <AxisBottom
                top={height}
                scale={scaleLinear({ domain: shown.x, range: [0, width] })}
                tickValues={map.ticks(shown.x[0], shown.x[1], Math.max(2, Math.floor(width / 90)))}
                tickFormat={(v) => map.tick(Number(v))}
                stroke="var(--color-line)"
                tickStroke="var(--color-line)"
                tickLength={4}
                tickLabelProps={{
                  fontSize: 11,
                  fill: 'var(--color-dim)',
                  fontFamily: 'var(--font-sans)',
                  textAnchor: 'middle',
                  dy: 2,
                }}
              />
            )}
            <text x={-6} y={height + 17} textAnchor="end" fontSize={11} fill="var(--color-dim)">
              {map.label}
            </text>
            {shown && <MarksLayer marks={marks} layout={{ x: shown.x, y: heatY, width, height }} map={map} palette={palette} />}
            <rect ref={brushRect} y={0} height={height} fill="#fff" fillOpacity={0.3} style={{ display: 'none' }} />
            <g ref={overlay}>
              <line y1={0} y2={height} stroke="var(--color-accent)" strokeWidth={1.5} style={{ display: 'none' }} />
              <line y1={0} y2={height} stroke="#fff" strokeOpacity={0.8} style={{ display: 'none' }} />
              <rect x={0} width={width} fill="none" stroke="#fff" strokeOpacity={0.8} style={{ display: 'none' }} />
            </g>
          </g>
        </svg>
        <div
          ref={area}
          data-plot
          className="absolute cursor-crosshair select-none"
          style={{ left, top, width, height, touchAction: 'pan-y pinch-zoom' }}
          onPointerMove={(e) => {
            const y = e.clientY - e.currentTarget.getBoundingClientRect().top;
            now.current.row = Math.min(rows.length - 1, Math.max(0, Math.floor(y / rowHeight)));
            askFrame(frame);
          }}
          onPointerLeave={() => {
            now.current.row = -1;
            askFrame(frame);
          }}
        />
        {tip && row && read && (
          <div
            className="pointer-events-none absolute z-20 rounded border border-line bg-raised/95 px-2.5 py-1.5 text-xs shadow-lg shadow-black/25"
            style={{
              ...(tip.row > rows.length / 2
                ? { bottom: size.height - top - tip.row * rowHeight + 6 }
                : { top: top + (tip.row + 1) * rowHeight + 6 }),
              ...(tip.px > width / 2 ? { right: right + width - tip.px + 12 } : { left: left + tip.px + 12 }),
            }}
          >
            <p className="font-mono text-2xs text-dim">
              step {formatStep(tip.step)}
              {map.kind !== 'step' && ` · ${map.say(tip.step)}`}
            </p>
            <p>
              {row.label} <b className="ml-2 font-mono font-medium">{read.value}</b>
            </p>
            {read.range && <p className="text-2xs text-dim">{read.range}</p>}
            {limit && <p className="text-2xs text-warn">{`${limit.label} ${formatTick(limit.value)}`}</p>}
          </div>
        )}
        {notice && (
          <div className="pointer-events-none absolute inset-0 flex items-center justify-center p-4 text-center text-dim">
            {notice}
          </div>
        )}
      </div>
    </figure>
  );
}

/** A name's end tells parameters apart, so that is what stays. */
const tail = (name: string, length: number) => (name.length > length ? `…${name.slice(1 - length)}` : name);

function placeLines(
  g: SVGGElement | null,
  plot: Plot,
  pin: number | null,
  hover: number | null,
  row: number,
  rowHeight: number,
): void {
  if (!g) return;
  const [pinLine, hoverLine, rowRect] = [...g.children] as SVGElement[];
  for (const [line, step] of [
    [pinLine, pin],
    [hoverLine, hover],
  ] as const) {
    const px = step === null ? Number.NaN : pixelX(plot, step);
    const inside = px >= -0.5 && px <= plot.width + 0.5;
    line!.style.display = inside ? '' : 'none';
    if (!inside) continue;
    line!.setAttribute('x1', String(px));
    line!.setAttribute('x2', String(px));
  }
  rowRect!.style.display = row >= 0 ? '' : 'none';
  rowRect!.setAttribute('y', String(row * rowHeight));
  rowRect!.setAttribute('height', String(rowHeight));
}

/** "#rrggbb" as numbers. */
function rgb(color: string): Rgb {
  const n = Number.parseInt(color.replace('#', ''), 16);
  return Number.isNaN(n) ? [128, 128, 128] : [n >> 16, (n >> 8) & 255, n & 255];
}
