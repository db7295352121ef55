'use client';

import { Maximize2, Minimize2 } from 'lucide-react';
import { type ReactNode, useCallback, useEffect, useId, useMemo, useRef, useState } from 'react';
import { Axes, type Layout, margin } from './Axes';
import { Badges } from './Badges';
import { ChartMenu } from './ChartMenu';
import { ChartTooltip } from './ChartTooltip';
import { moveByKey } from './cursorKeys';
import { growingEnd, settle, yDomain } from './domains';
import { type Drawn, draw, type Pen, type Plot, pixelX, pixelY, ruleAt, stepAtPixel } from './draw';
import { askFrame, dropFrame } from './drawLoop';
import { chartCsv, chartSvg } from './exportChart';
import { type GestureTarget, useGestures } from './gestures';
import { Legend } from './Legend';
import { MarksLayer } from './MarksLayer';
import { usePalette } from './palette';
import { type ChartPlace, type ChartPoint, chartPlace } from './place';
import { newest, readout, summary } from './readout';
import { type ChartCursor, type ChartSettings, colorOf, type LineSpec, type Mark, type PointSpec, type RuleSpec } from './types';
import { useSize } from './useSize';
import type { XMap } from './xMap';

export interface LineChartProps {
  title: string;
  lines: readonly LineSpec[];
  points?: readonly PointSpec[];
  rule?: RuleSpec | null;
  marks?: readonly Mark[];
  map: XMap;
  settings: ChartSettings;
  cursor: ChartCursor;
  /** Tells when the lines' numbers changed. */
  subscribe(listener: () => void): () => void;
  /** Values are shares of 1, shown in percent, and never pass 0 and 1. */
  percent?: boolean;
  /** Steps with a snapshot, ascending: where Page Up and Page Down go. */
  stops?: readonly number[];
  /** Shown over an empty plot: why there is nothing to see. */
  notice?: ReactNode;
  /** Beside the title. */
  aside?: ReactNode;
  height?: number;
  /** Told the plot's width in CSS pixels: a wide chart needs finer data. */
  onWidth?(width: number): void;
  /** Drawn over the plot, in its pixels; takes the pointer only where its own elements do. */
  overlay?(place: ChartPlace): ReactNode;
  /** A right click or long press on the plot, or the key N at the crosshair. */
  onPoint?(point: ChartPoint): void;
}

const nothing: readonly never[] = [];
const drawnNothing: Drawn = { nonFinite: 0, offScale: 0, hiddenByLog: 0 };

/**
 * Lines over training steps. Axes, grid and marks are SVG (visx) and re-render only when the layout changes; the lines are a canvas drawn at most once a frame.
 * Every chart of a page shares one cursor: crosshair, pinned step and zoom move together.
 */
export function LineChart(props: LineChartProps) {
  const { title, lines, points = nothing, rule = null, marks = nothing, map, settings, cursor, percent = false } = props;
  const palette = usePalette();
  const id = useId();
  const root = useRef<HTMLElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const plotArea = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<SVGGElement>(null);
  const brushRect = useRef<SVGRectElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const said = useRef<HTMLParagraphElement>(null);
  const size = useSize(box);
  const [layout, setLayout] = useState<Layout | null>(null);
  const [drawn, setDrawn] = useState<Drawn>(drawnNothing);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [large, setLarge] = useState(false);
  const [tip, setTip] = useState<{ px: number; step: number; turn: number } | null>(null);

  const shownLines = useMemo(() => lines.filter((l) => !hidden.has(l.name)), [lines, hidden]);
  const shownPoints = useMemo(() => points.filter((p) => !hidden.has(p.name)), [points, hidden]);

  // Everything a frame needs, so that drawing depends on no render.
  const now = useRef({ shown: null as Layout | null, hovering: false, stale: true, saidAt: 0, turn: 0 });
  const latest = { shownLines, shownPoints, rule, map, settings, cursor, percent, palette, size, marks, title, lines };
  const live = useRef(latest);
  live.current = latest;

  const plotOf = useCallback((l: Layout): Plot => ({ ...l, log: live.current.settings.log, map: live.current.map }), []);

  const frame = useCallback(() => {
    const { shownLines, shownPoints, rule, map, settings, cursor, percent, palette, size, marks, title, lines } = live.current;
    const element = canvas.current;
    const width = size.width - margin.left - margin.right;
    const height = size.height - margin.top - margin.bottom;
    if (!element || width < 20 || height < 20) return;
    const state = now.current;
    if (state.stale) {
      state.stale = false;
      const wanted = layoutFor(state.shown, shownLines, shownPoints, rule, map, settings, cursor, percent, width, height);
      if (wanted !== state.shown) {
        state.shown = wanted;
        setLayout(wanted);
      }
      const ratio = Math.min(3, window.devicePixelRatio || 1);
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (element.width !== w || element.height !== h) {
        element.width = w;
        element.height = h;
      }
      const pen = element.getContext('2d')!;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      const told = draw(
        pen as Pen,
        plotOf(wanted),
        { lines: shownLines, points: shownPoints, rule },
        settings,
        palette,
        1 / ratio,
      );
      setDrawn((old) => (same(old, told) ? old : told));
      if (said.current && performance.now() - state.saidAt > 2000) {
        state.saidAt = performance.now();
        said.current.textContent = summary(title, lines, percent, marks.length);
      }
    }
    if (!state.shown) return;
    const plot = plotOf(state.shown);
    const c = cursor.get();
    drawCrosshair(overlay.current, plot, shownLines, c, cursor.headStep());
    fillLegend(legend.current, lines, c.hoverStep ?? (c.mode === 'pinned' ? c.step : null), cursor.headStep(), percent);
    if (state.hovering && c.hoverStep !== null) setTip({ px: pixelX(plot, c.hoverStep), step: c.hoverStep, turn: state.turn++ });
    else setTip((old) => (old ? null : old));
  }, [plotOf]);

  // New props: draw again with them.
  useEffect(() => {
    now.current.stale = true;
    askFrame(frame);
  });
  useEffect(() => {
    let zoom = cursor.get().zoom;
    const stopData = props.subscribe(() => {
      now.current.stale = true;
      askFrame(frame);
    });
    const stopCursor = cursor.subscribe(() => {
      const next = cursor.get().zoom;
      if (next !== zoom) now.current.stale = true;
      zoom = next;
      askFrame(frame);
    });
    return () => {
      stopData();
      stopCursor();
      dropFrame(frame);
    };
  }, [props.subscribe, cursor, frame]);

  const gestures = useRef<GestureTarget>(null!);
  gestures.current = {
    cursor,
    stepAt: (px) => {
      const head = cursor.headStep();
      if (!now.current.shown) return 0;
      return Math.min(Math.max(0, head), Math.max(0, Math.round(stepAtPixel(plotOf(now.current.shown), px))));
    },
    span: () => {
      const l = now.current.shown;
      return l ? [map.stepOf(l.x[0]), map.stepOf(l.x[1])] : [0, 1];
    },
    brush: (range) => {
      const rect = brushRect.current;
      if (!rect) return;
      rect.style.display = range ? '' : 'none';
      if (!range || !now.current.shown) return;
      const [a, b] = [Math.max(0, Math.min(...range)), Math.min(now.current.shown.width, Math.max(...range))];
      rect.setAttribute('x', String(a));
      rect.setAttribute('width', String(Math.max(0, b - a)));
    },
  };
  useGestures(plotArea, gestures);

  const place = (l: Layout) => chartPlace(plotOf(l), shownLines, cursor.headStep());
  const point = (px: number, py?: number) => {
    const { shown } = now.current;
    if (!shown || !plotArea.current) return;
    const step = gestures.current.stepAt(px);
    const corner = plotArea.current.getBoundingClientRect();
    const readings = place(shown).readings(step, py);
    props.onPoint?.({ step, readings, clientX: corner.left + px, clientY: corner.top + (py ?? 0) });
  };

  useEffect(() => {
    if (!large) return;
    const close = (e: KeyboardEvent) => {
      if (e.key !== 'Escape') return;
      e.stopPropagation();
      setLarge(false);
    };
    document.addEventListener('keydown', close, true);
    return () => document.removeEventListener('keydown', close, true);
  }, [large]);

  const { onWidth } = props;
  useEffect(() => {
    if (size.width > 0) onWidth?.(size.width - margin.left - margin.right);
  }, [onWidth, size.width]);

  const w = Math.max(0, size.width - margin.left - margin.right);
  const h = Math.max(0, size.height - margin.top - margin.bottom);
  return (
    <figure
      ref={root}
      aria-labelledby={`${id}title`}
      className={
        large
          ? 'fixed inset-2 z-50 flex flex-col rounded border border-line bg-panel p-3 shadow-[0_0_0_100vmax_rgb(0_0_0/0.5)]'
          : 'group relative flex min-w-0 flex-col'
      }
    >
      <figcaption className="flex min-h-6 items-start gap-2">
        <span id={`${id}title`} title={title} className={`min-w-0 truncate font-semibold ${large ? 'text-base' : ''}`}>
          {title}
        </span>
        <Legend
          ref={legend}
          lines={lines}
          points={points}
          rule={rule}
          palette={palette}
          hidden={hidden}
          percent={percent}
          onToggle={(name, alone) =>
            setHidden((old) =>
              toggled(
                old,
                name,
                alone,
                [...lines, ...points].map((l) => l.name),
              ),
            )
          }
        />
        <span className="ml-auto flex shrink-0 items-center gap-0.5">
          <Badges drawn={drawn} lines={shownLines} cursor={cursor} subscribe={props.subscribe} />
          {props.aside}
          <ChartMenu
            title={title}
            svg={() =>
              chartSvg(title, {
                layout: now.current.shown,
                box: box.current,
                plot: now.current.shown && plotOf(now.current.shown),
                what: { lines: shownLines, points: shownPoints, rule },
                settings,
                palette,
              })
            }
            csv={() => chartCsv(shownLines, shownPoints)}
          />
          <button
            type="button"
            aria-label={large ? `Leave full screen: ${title}` : `Full screen: ${title}`}
            title={large ? 'Back (Esc)' : 'Full screen'}
            onClick={() => setLarge(!large)}
            className="rounded p-1 text-dim hover:bg-raised hover:text-ink"
          >
            {large ? <Minimize2 aria-hidden size={13} /> : <Maximize2 aria-hidden size={13} />}
          </button>
        </span>
      </figcaption>
      <p ref={said} id={`${id}said`} className="sr-only">
        {summary(title, lines, percent, marks.length)}
      </p>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is a form's, this is a chart */}
      <div
        ref={box}
        className="relative min-h-0"
        style={large ? { flex: 1 } : { height: props.height ?? 220 }}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the chart takes arrow keys
        tabIndex={0}
        role="group"
        aria-roledescription="chart"
        aria-labelledby={`${id}title`}
        aria-describedby={`${id}said`}
        onKeyDown={(e) => {
          if (e.key === 'n' && props.onPoint && now.current.shown && !e.ctrlKey && !e.metaKey && !e.altKey)
            point(pixelX(plotOf(now.current.shown), cursor.get().hoverStep ?? cursor.get().step));
          else if (!moveByKey(e, cursor, props.stops ?? nothing)) return;
          e.preventDefault();
          e.stopPropagation();
        }}
      >
        <svg width={size.width} height={size.height} aria-hidden className="absolute inset-0 select-none" data-layer="axes">
          <g transform={`translate(${margin.left},${margin.top})`}>
            {layout && <Axes layout={layout} map={map} log={settings.log} percent={percent} />}
          </g>
        </svg>
        <canvas
          ref={canvas}
          aria-hidden
          className="absolute"
          style={{ left: margin.left, top: margin.top, width: w, height: h }}
        />
        <svg width={size.width} height={size.height} aria-hidden className="absolute inset-0 select-none" data-layer="marks">
          <g transform={`translate(${margin.left},${margin.top})`}>
            {layout && <MarksLayer marks={marks} layout={layout} map={map} palette={palette} />}
            {layout && rule && <RuleLabel rule={rule} layout={layout} plot={plotOf(layout)} step={map.stepOf(layout.x[1])} />}
            <rect ref={brushRect} y={0} height={h} fill="var(--color-accent)" fillOpacity={0.18} style={{ display: 'none' }} />
            <g ref={overlay}>
              <line data-line="pin" y1={-12} y2={h} stroke="var(--color-accent)" strokeWidth={1.5} style={{ display: 'none' }} />
              <line data-line="hover" y1={0} y2={h} stroke="var(--color-ink)" strokeOpacity={0.5} style={{ display: 'none' }} />
              {shownLines.slice(0, 24).map((l) => (
                <circle
                  key={l.name}
                  r={3.5}
                  fill={colorOf(palette, l.color)}
                  stroke="var(--color-panel)"
                  strokeWidth={1.5}
                  style={{ display: 'none' }}
                />
              ))}
            </g>
          </g>
        </svg>
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the group around it takes the keys */}
        <div
          ref={plotArea}
          data-plot
          className="absolute cursor-crosshair select-none"
          style={{ left: margin.left, top: margin.top, width: w, height: h, touchAction: 'pan-y pinch-zoom' }}
          onPointerEnter={() => {
            now.current.hovering = true;
          }}
          onPointerLeave={() => {
            now.current.hovering = false;
            askFrame(frame);
          }}
          onContextMenu={(e) => {
            if (!props.onPoint) return;
            e.preventDefault();
            const corner = e.currentTarget.getBoundingClientRect();
            point(e.clientX - corner.left, e.clientY - corner.top);
          }}
        />
        {layout && props.overlay && (
          <div
            className="pointer-events-none absolute"
            style={{ left: margin.left, top: margin.top, width: layout.width, height: layout.height }}
          >
            {props.overlay(place(layout))}
          </div>
        )}
        {tip && layout && (
          <ChartTooltip
            px={tip.px}
            step={tip.step}
            layout={layout}
            lines={shownLines}
            points={shownPoints}
            rule={rule}
            marks={marks}
            map={map}
            head={cursor.headStep()}
            smoothing={settings.smoothing}
            percent={percent}
            palette={palette}
            plot={plotOf(layout)}
          />
        )}
        {props.notice && (
          <div className="pointer-events-none absolute inset-0 flex items-center justify-center p-4 text-center text-dim">
            {props.notice}
          </div>
        )}
      </div>
    </figure>
  );
}

const same = (a: Drawn, b: Drawn) => a.nonFinite === b.nonFinite && a.offScale === b.offScale && a.hiddenByLog === b.hiddenByLog;

/** The layout wanted now; the one shown, itself, where the difference is below half a pixel. */
function layoutFor(
  shown: Layout | null,
  lines: readonly LineSpec[],
  points: readonly PointSpec[],
  rule: RuleSpec | null,
  map: XMap,
  settings: ChartSettings,
  cursor: ChartCursor,
  percent: boolean,
  width: number,
  height: number,
): Layout {
  const { zoom } = cursor.get();
  const curves = lines.flatMap((l) => l.curve() ?? l.whole?.() ?? []);
  const head = Math.max(cursor.headStep(), ...curves.map((c) => (c.toStep === null ? c.headStep : 0)));
  const [from, to] = zoom ?? [0, growingEnd(head)];
  const x: [number, number] = [map.of(from), map.of(to)];
  if (!(x[1] > x[0])) x[1] = x[0] + 1;
  const inside = points.flatMap((p) => p.points.filter((v) => v.step >= from && v.step <= to).map((v) => v.value));
  const options = { log: settings.log, robust: settings.robust, bounds: percent ? ([0, 1] as const) : undefined };
  let y = yDomain(curves, inside, from, to, options);
  // The threshold is shown when that does not squash the curve; else its label stands at the edge.
  const limit = rule ? ruleAt(rule, to) : null;
  if (limit !== null && limit > y[1] && limit <= 2.5 * y[1] && !settings.robust)
    y = yDomain(curves, [...inside, limit], from, to, options);
  const sameSize = shown && shown.width === width && shown.height === height;
  const pixel = (x[1] - x[0]) / width;
  const keepX = sameSize && Math.abs(shown.x[0] - x[0]) < 0.5 * pixel && Math.abs(shown.x[1] - x[1]) < 0.5 * pixel;
  // The same x range: y may keep its span while everything still fits. A new range gets its own.
  const sameRange = shown && Math.abs(shown.x[0] - x[0]) < 1e-9 && (keepX || zoom === null) && shown.y[1] > shown.y[0];
  const sameScale = sameRange && (settings.log ? shown.y[0] > 0 : true);
  const settled = sameScale ? settle(shown.y, y, settings.log) : y;
  if (keepX && settled[0] === shown.y[0] && settled[1] === shown.y[1]) return shown;
  return { x: keepX ? shown.x : x, y: settled, width, height };
}

function drawCrosshair(
  g: SVGGElement | null,
  plot: Plot,
  lines: readonly LineSpec[],
  c: { mode: string; step: number; hoverStep: number | null },
  head: number,
): void {
  if (!g) return;
  const [pin, hover, ...dots] = [...g.children] as SVGElement[];
  const place = (line: SVGElement | undefined, step: number | null) => {
    if (!line) return;
    const px = step === null ? Number.NaN : pixelX(plot, step);
    const inside = px >= -0.5 && px <= plot.width + 0.5;
    line.style.display = inside ? '' : 'none';
    if (!inside) return;
    line.setAttribute('x1', String(px));
    line.setAttribute('x2', String(px));
  };
  place(pin, c.mode === 'pinned' ? c.step : null);
  place(hover, c.hoverStep);
  const step = c.hoverStep ?? (c.mode === 'pinned' ? c.step : null);
  dots.forEach((dot, k) => {
    const line = lines[k];
    const curve = line?.curve() ?? line?.whole?.() ?? null;
    const row = step === null ? -1 : Math.min(step, head - 1);
    const i = curve && row >= 0 ? curve.at(row) : -1;
    const exact = i >= 0 ? line!.exact?.(row) : null;
    const value = i < 0 ? Number.NaN : typeof exact === 'number' ? exact : curve!.mean(i);
    const [x, y] = [pixelX(plot, row), pixelY(plot, value)];
    const inside = Number.isFinite(y) && y >= -1 && y <= plot.height + 1 && x >= 0 && x <= plot.width + 0.5;
    dot.style.display = inside ? '' : 'none';
    if (!inside) return;
    dot.setAttribute('cx', String(x));
    dot.setAttribute('cy', String(y));
  });
}

function fillLegend(
  list: HTMLUListElement | null,
  lines: readonly LineSpec[],
  /** null: the newest. */
  step: number | null,
  head: number,
  percent: boolean,
): void {
  if (!list) return;
  for (const slot of list.querySelectorAll<HTMLElement>('[data-reads]')) {
    const line = lines.find((l) => l.name === slot.dataset.reads);
    if (!line) continue;
    const text =
      step === null ? newest(line, percent) : head > 0 ? readout(line, Math.min(step, head - 1), 0, percent).value : '–';
    if (slot.textContent !== text) slot.textContent = text;
  }
}

function toggled(old: ReadonlySet<string>, name: string, alone: boolean, all: readonly string[]): ReadonlySet<string> {
  if (alone) {
    const others = all.filter((n) => n !== name);
    return others.every((n) => old.has(n)) && !old.has(name) ? new Set() : new Set(others);
  }
  const next = new Set(old);
  if (!next.delete(name)) next.add(name);
  return next;
}

function RuleLabel({ rule, layout, plot, step }: { rule: RuleSpec; layout: Layout; plot: Plot; step: number }) {
  const value = ruleAt(rule, step);
  if (value === null) return null;
  const y = pixelY(plot, value);
  const above = y < 0;
  const at = Math.min(layout.height - 4, Math.max(11, y - 4));
  return (
    <text
      x={layout.width - 4}
      y={above ? 11 : at}
      textAnchor="end"
      fontSize={11}
      fill="var(--color-warn)"
      stroke="var(--color-panel)"
      strokeWidth={3}
      paintOrder="stroke"
    >
      {rule.label} {value}
      {above ? ' ↑' : ''}
    </text>
  );
}
