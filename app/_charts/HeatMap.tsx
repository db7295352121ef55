import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import { XAxis } from './Axes';
import { hexColor } from './attention/palettes';
import { ChartFigure, useFigure } from './ChartFigure';
import { placeLine } from './crosshair';
import { xDomain } from './domains';
import { chartCsv, heatSvg } from './exportChart';
import { usePlotGestures } from './gestures';
import { HeatLegend } from './HeatLegend';
import { HeatTip } from './HeatTip';
import { heatDomain, heatPixels } from './heat';
import { MarksLayer } from './MarksLayer';
import { labelSize, labelWidth, unit } from './margins';
import { usePalette } from './palette';
import { piecesOf } from './pieces';
import { type Plot, pixelX } from './plot';
import { shortNames } from './shortNames';
import type { ChartCursor, LineSpec, Mark, StepFile } from './types';
import { fitCanvas, useDrawing } from './useDrawing';
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
  /** A threshold shown on the color scale. */
  limit: { label: string; value: number } | null;
  marks?: readonly Mark[];
  stops?: readonly number[];
  notice?: ReactNode;
  onWidth?(width: number): void;
  stepFiles?(lines: readonly LineSpec[]): readonly StepFile[];
}

interface Shown {
  plot: Plot;
  /** Values at both ends of the color scale. */
  domain: readonly [number, number];
}

/** Series x steps, colored on a log scale. The cells are a canvas with one pixel per column and series, stretched without smoothing. */
export function HeatMap(props: HeatMapProps) {
  const { title, rows, map, cursor, limit, marks = none, stops = none, stepFiles } = props;
  const palette = usePalette();
  const { size, large, figure } = useFigure();
  const area = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const labels = useRef<SVGSVGElement>(null);
  const overlay = useRef<SVGGElement>(null);
  const brushRect = useRef<SVGRectElement>(null);
  const [shown, setShown] = useState<Shown | null>(null);
  const [tip, setTip] = useState<{ px: number; row: number; step: number; turn: number } | null>(null);
  const now = useRef({ shown: null as Shown | null, row: -1, turn: 0, image: null as HTMLCanvasElement | null });

  const names = useMemo(() => rows.map((r) => r.label), [rows]);
  const room = Math.min(220, 0.36 * size.width) * unit();
  const labeled = useMemo(() => shortNames(names, (name) => labelWidth(name) <= room - 10), [names, room]);
  const left = Math.ceil(Math.max(40, ...labeled.map(labelWidth)) + 10);
  const tallest = large ? Math.max(17, Math.floor((size.height - top - bottom) / Math.max(1, rows.length))) : 17;
  const rowHeight = Math.min(
    tallest,
    Math.max(5, Math.floor((large ? size.height - top - bottom : 420) / Math.max(1, rows.length))),
  );
  const width = Math.max(0, size.width - left - right);
  const height = rowHeight * rows.length;

  const ask = useDrawing(
    (stale) => {
      const element = canvas.current;
      if (!element || width < 20 || rows.length === 0) return false;
      const state = now.current;
      if (stale || !state.shown) {
        const curves = rows.map((r) => r.curve() ?? r.whole?.() ?? null);
        const next = nextShown(
          state.shown,
          { x: xDomain(cursor, curves, map).x, y: heatY, log: false, map, left, width, height },
          heatDomain(curves),
        );
        if (next !== state.shown) {
          state.shown = next;
          setShown(next);
        }
        fitCanvas(element, width, height);
        state.image ??= document.createElement('canvas');
        const columns = element.width;
        const pieces = rows.map((r) => piecesOf(r, map, next.plot.x));
        const pixels = heatPixels(pieces, next.plot, columns, next.domain, hexColor(palette.raised), hexColor(palette.bad));
        state.image.width = columns;
        state.image.height = rows.length;
        state.image.getContext('2d')!.putImageData(new ImageData(pixels, columns, rows.length), 0, 0);
        const pen = element.getContext('2d')!;
        pen.imageSmoothingEnabled = false;
        pen.clearRect(0, 0, columns, element.height);
        pen.drawImage(state.image, 0, 0, columns, rows.length, 0, 0, columns, element.height);
      }
      const { plot } = state.shown!;
      const c = cursor.get();
      placeOverlay(overlay.current, plot, c.mode === 'pinned' ? c.step : null, c.hoverStep, state.row, rowHeight);
      if (state.row >= 0 && c.hoverStep !== null)
        setTip({ px: pixelX(plot, c.hoverStep), row: state.row, step: c.hoverStep, turn: state.turn++ });
      else setTip((old) => (old ? null : old));
      return true;
    },
    cursor,
    props.subscribe,
    [rows, map, palette, width, height],
  );
  usePlotGestures(area, brushRect, cursor, () => now.current.shown?.plot ?? null);

  const { onWidth } = props;
  useEffect(() => {
    if (width > 0) onWidth?.(width);
  }, [onWidth, width]);

  const stride = Math.ceil(12 / rowHeight);
  const row = tip ? rows[tip.row] : undefined;
  return (
    <ChartFigure
      {...figure}
      title={title}
      kind="heat map"
      legend={shown && <HeatLegend domain={shown.domain} limit={limit} />}
      takeaway={{
        svg: () =>
          labels.current && now.current.image
            ? heatSvg(title, labels.current, now.current.image, { left, top, width, height }, palette)
            : null,
        csv: () => chartCsv(rows, none),
        stepFiles: stepFiles && (() => stepFiles(rows)),
        subscribe: props.subscribe,
      }}
      said={`${title}: ${rows.length} series over training steps; a cell is the largest value of its steps.`}
      height={Math.max(60, height) + top + bottom}
      cursor={cursor}
      stops={stops}
      notice={props.notice}
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
                fontSize={labelSize}
                fill={tip?.row === i ? 'var(--color-ink)' : 'var(--color-dim)'}
              >
                {labeled[i]}
              </text>
            ) : null,
          )}
          {shown && <XAxis plot={shown.plot} />}
          {shown && <MarksLayer marks={marks} plot={shown.plot} palette={palette} />}
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
        className="absolute cursor-crosshair touch-pan-y select-none"
        style={{ left, top, width, height }}
        onPointerMove={(e) => {
          const y = e.clientY - e.currentTarget.getBoundingClientRect().top;
          now.current.row = Math.min(rows.length - 1, Math.max(0, Math.floor(y / rowHeight)));
          ask();
        }}
        onPointerLeave={() => {
          now.current.row = -1;
          ask();
        }}
      />
      {tip && row && (
        <HeatTip
          step={tip.step}
          row={row}
          head={cursor.headStep()}
          map={map}
          limit={limit}
          px={tip.px}
          plot={{ left, width, right }}
          style={
            tip.row > rows.length / 2
              ? { bottom: size.height - top - tip.row * rowHeight + 6 }
              : { top: top + (tip.row + 1) * rowHeight + 6 }
          }
        />
      )}
    </ChartFigure>
  );
}

/** The layout to draw; the same object as before when the difference is less than half a pixel. */
function nextShown(old: Shown | null, plot: Plot, domain: readonly [number, number]): Shown {
  const { x, width, height, map } = plot;
  const near =
    old &&
    old.plot.map === map &&
    old.plot.width === width &&
    old.plot.height === height &&
    old.plot.x[0] === x[0] &&
    Math.abs(old.plot.x[1] - x[1]) <= (x[1] - x[0]) / width / 2;
  return near && old.domain[0] === domain[0] && old.domain[1] === domain[1] ? old : { plot, domain };
}

/** Positions the children of `g`: the line of the pin, the line of the mouse, the row under the mouse. */
function placeOverlay(
  g: SVGGElement | null,
  plot: Plot,
  pin: number | null,
  hover: number | null,
  row: number,
  rowHeight: number,
): void {
  if (!g) return;
  const [pinLine, hoverLine, rowRect] = [...g.children] as SVGElement[];
  placeLine(pinLine, plot, pin);
  placeLine(hoverLine, plot, hover);
  rowRect!.style.display = row >= 0 ? '' : 'none';
  rowRect!.setAttribute('y', String(row * rowHeight));
  rowRect!.setAttribute('height', String(rowHeight));
}
