import { type ReactNode, useEffect, useMemo, useRef, useState } from 'react';
import type { MenuChoice } from '~/app/_components/AnchorMenu';
import { Axes } from './Axes';
import { Badges } from './Badges';
import { ChartFigure, useFigure } from './ChartFigure';
import { PointMenu, useSave } from './ChartMenu';
import { ChartTooltip } from './ChartTooltip';
import { drawCrosshair, fillLegend, readStep } from './crosshair';
import { type Drawn, draw } from './draw';
import { chartCsv, chartSvg } from './exportChart';
import { usePlotGestures } from './gestures';
import { Legend, toggled } from './Legend';
import { type ChartContent, type Layout, layoutFor } from './lineLayout';
import { MarksLayer } from './MarksLayer';
import { around } from './margins';
import { usePalette } from './palette';
import { type ChartPlace, type ChartPoint, chartPlace } from './place';
import { type Pen, type Plot, pixelX } from './plot';
import { RuleLabel } from './RuleLabel';
import { summary } from './readout';
import {
  type ChartCursor,
  type ChartSettings,
  colorOf,
  type LineSpec,
  type Mark,
  type PointSpec,
  type RuleSpec,
  type StepFile,
} from './types';
import { clearedPen, useDrawing } from './useDrawing';
import type { XMap } from './xMap';

export interface LineChartProps {
  title: string;
  lines: readonly LineSpec[];
  points?: readonly PointSpec[];
  /** Series that the chart is to show and that are not there; the legend names them beside those that are. */
  missing?: readonly string[];
  rule?: RuleSpec | null;
  marks?: readonly Mark[];
  map: XMap;
  settings: ChartSettings;
  cursor: ChartCursor;
  /** Calls the listener when numbers of the lines changed. */
  subscribe(listener: () => void): () => void;
  /** Values are shares, shown in percent; the axis does not extend beyond 0 and 1. */
  percent?: boolean;
  /** Steps with a snapshot, ascending: where Page Up and Page Down go. */
  stops?: readonly number[];
  /** Shown over an empty plot: why there is no data. */
  notice?: ReactNode;
  height?: number;
  /** Called with the plot's width in CSS pixels: a wide chart needs finer data. */
  onWidth?(width: number): void;
  /** Files from the server with every step of the lines shown. */
  stepFiles?(lines: readonly LineSpec[]): readonly StepFile[];
  /** Drawn over the plot, in its pixels; only its own elements receive pointer events. */
  overlay?(place: ChartPlace): ReactNode;
  /** Called to write a note: from the menu of a right click or long press, or with the key N at the crosshair. */
  onPoint?(point: ChartPoint): void;
  /** More items of the chart's menu. */
  menu?: readonly MenuChoice[] | undefined;
  /** Ends of the y axis set by a person. */
  range?: readonly [number | null, number | null] | undefined;
}

const nothing: readonly never[] = [];
/** Least time between two descriptions of a chart in words: each looks through all of its numbers. */
const sayEveryMs = 1000;
/** Hidden until the first drawing places it. */
const gone = { display: 'none' };
/** Not clipped: the browser composes a page in more pieces with every clip and shift, and there may be a hundred charts. */
const layer = 'absolute select-none overflow-visible';
const drawnNothing: Drawn = { nonFinite: 0, offScale: 0, hiddenByLog: 0 };

/**
 * Lines over training steps. Axes, grid and marks are SVG (visx) and re-render only when the layout changes; the lines are a canvas drawn at most once a frame.
 * Every chart of a page shares one cursor: crosshair, pinned step and zoom move together.
 */
export function LineChart(props: LineChartProps) {
  const { title, lines, points = nothing, rule = null, marks = nothing, map, settings, cursor, percent = false } = props;
  const palette = usePalette();
  const { height: wanted = 220 } = props;
  const { box, size, figure } = useFigure(wanted);
  const plotArea = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const overlay = useRef<SVGGElement>(null);
  const brushRect = useRef<SVGRectElement>(null);
  const legend = useRef<HTMLUListElement>(null);
  const said = useRef<HTMLParagraphElement>(null);
  const [drawn, setDrawn] = useState<Drawn>(drawnNothing);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [tip, setTip] = useState<{ px: number; step: number; turn: number } | null>(null);
  const shownLines = useMemo(() => lines.filter((l) => !hidden.has(l.name)), [lines, hidden]);
  const shownPoints = useMemo(() => points.filter((p) => !hidden.has(p.name)), [points, hidden]);
  const [menu, setMenu] = useState<ChartPoint | null>(null);
  const { range } = props;
  const what = useMemo(
    () => ({ lines: shownLines, points: shownPoints, rule, map, settings, cursor, percent, range }),
    [shownLines, shownPoints, rule, map, settings, cursor, percent, range],
  );

  const [plot, setPlot] = useState<Layout | null>(() => (size.width > 0 ? layoutFor(null, what, size) : null));
  const now = useRef({
    shown: plot,
    from: null as readonly unknown[] | null,
    hovering: false,
    turn: 0,
    saying: null as ReturnType<typeof setTimeout> | null,
  });

  const ask = useDrawing(
    (stale) => {
      if (!canvas.current || size.width < 80 || size.height < 60) return false;
      const state = now.current;
      // Numbers of another chart arrived: this one stays as it is.
      const from = [what, palette, size, cursor.get().zoom, cursor.startStep(), cursor.headStep(), ...numbersOf(what)];
      if ((stale || !state.shown) && !sameItems(from, state.from)) {
        state.from = from;
        const next = layoutFor(state.shown, what, size);
        if (next !== state.shown) {
          state.shown = next;
          setPlot(next);
        }
        const { pen, ratio } = clearedPen(canvas.current, next.width, next.height)!;
        const reported = draw(pen as Pen, next, what, settings, palette, 1 / ratio);
        setDrawn((old) => (same(old, reported) ? old : reported));
        state.saying ??= setTimeout(() => sayAgain.current(), sayEveryMs);
      }
      const shown = state.shown!;
      const c = cursor.get();
      drawCrosshair(overlay.current, shown, shownLines, c);
      fillLegend(legend.current, lines, points, readStep(c), percent, shown.map);
      if (state.hovering && c.hoverStep !== null)
        setTip({ px: pixelX(shown, c.hoverStep), step: c.hoverStep, turn: state.turn++ });
      else setTip((old) => (old ? null : old));
      return true;
    },
    cursor,
    props.subscribe,
    [what, palette, size],
  );
  const sayAgain = useRef(() => {});
  sayAgain.current = () => {
    now.current.saying = null;
    if (said.current) said.current.textContent = summary(title, lines, percent, marks.length, map);
  };
  useEffect(() => () => clearTimeout(now.current.saying ?? undefined), []);
  const stepAt = usePlotGestures(plotArea, brushRect, cursor, () => now.current.shown);

  const place = (p: Plot) => chartPlace(p, shownLines);
  const pointAt = (px: number, py?: number): ChartPoint | null => {
    const { shown } = now.current;
    if (!shown || !plotArea.current) return null;
    const step = stepAt(px);
    const corner = plotArea.current.getBoundingClientRect();
    const readings = place(shown).readings(step, py);
    return { step, readings, clientX: corner.left + px, clientY: corner.top + (py ?? 0) };
  };

  const { onWidth, stepFiles } = props;
  const { left = 0, width = 0, height = 0 } = plot ?? {};
  const area = { left, top: around().top, width, height };
  useEffect(() => {
    if (width > 0) onWidth?.(width);
  }, [onWidth, width]);
  const takeaway = {
    svg: () => chartSvg(title, box.current, now.current.shown, what, palette),
    csv: () => chartCsv(shownLines, shownPoints),
    stepFiles: stepFiles && (() => stepFiles(shownLines)),
    subscribe: props.subscribe,
  };
  const { save } = useSave(title, takeaway);

  return (
    <ChartFigure
      {...figure}
      title={title}
      kind="chart"
      legend={
        <Legend
          ref={legend}
          lines={lines}
          points={points}
          rule={rule}
          missing={lines.length + points.length > 0 ? (props.missing ?? nothing) : nothing}
          palette={palette}
          hidden={hidden}
          onToggle={(name, alone) => setHidden((old) => toggled(old, name, alone, [...lines, ...points]))}
        />
      }
      aside={<Badges drawn={drawn} what={what} subscribe={props.subscribe} />}
      takeaway={takeaway}
      menu={props.menu}
      said={title}
      saidRef={said}
      height={wanted}
      cursor={cursor}
      stops={props.stops ?? nothing}
      onKey={(e) => {
        const { shown } = now.current;
        if (e.key !== 'n' || !props.onPoint || !shown || e.ctrlKey || e.metaKey || e.altKey) return false;
        const at = pointAt(pixelX(shown, cursor.get().hoverStep ?? cursor.get().step));
        if (at) props.onPoint(at);
        return true;
      }}
      notice={props.notice}
    >
      <svg aria-hidden className={layer} style={area} data-layer="axes">
        {plot && <Axes plot={plot} percent={percent} />}
      </svg>
      <canvas ref={canvas} aria-hidden className={layer} style={area} />
      <svg aria-hidden className={layer} style={area} data-layer="marks">
        {plot && <MarksLayer marks={marks} plot={plot} palette={palette} />}
        {plot && rule && <RuleLabel rule={rule} plot={plot} />}
        <rect ref={brushRect} y={0} height={height} fill="var(--color-accent)" fillOpacity={0.18} style={gone} />
        <g ref={overlay}>
          <line data-line="pin" y1={-12} y2={height} stroke="var(--color-accent)" strokeWidth={1.5} style={gone} />
          <line data-line="hover" y1={0} y2={height} stroke="var(--color-ink)" strokeOpacity={0.5} style={gone} />
          {shownLines.slice(0, 24).map(({ name, color }) => (
            <circle
              key={name}
              r={3.5}
              fill={colorOf(palette, color)}
              stroke="var(--color-panel)"
              strokeWidth={1.5}
              style={gone}
            />
          ))}
        </g>
      </svg>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the group around it handles the keys */}
      <div
        ref={plotArea}
        data-plot
        className="absolute cursor-crosshair touch-pan-y select-none"
        style={area}
        onPointerEnter={() => {
          now.current.hovering = true;
        }}
        onPointerLeave={() => {
          now.current.hovering = false;
          ask();
        }}
        onContextMenu={(e) => {
          e.preventDefault();
          const corner = e.currentTarget.getBoundingClientRect();
          setMenu(pointAt(e.clientX - corner.left, e.clientY - corner.top));
        }}
      />
      {plot && props.overlay && (
        <div className="pointer-events-none absolute" style={area}>
          {props.overlay(place(plot))}
        </div>
      )}
      <PointMenu at={menu} what={what} onNote={props.onPoint} save={save} onClose={() => setMenu(null)} />
      {tip && plot && !menu && (
        <ChartTooltip px={tip.px} step={tip.step} what={what} marks={marks} palette={palette} plot={plot} />
      )}
    </ChartFigure>
  );
}

/** Every curve of a chart, with its version. */
const numbersOf = ({ lines, rule }: ChartContent) =>
  [...lines.flatMap((l) => [l.curve(), l.whole?.(), ...(l.early?.() ?? [])]), rule?.marks?.share?.()].flatMap((c) => [
    c,
    c?.version,
  ]);

const sameItems = (a: readonly unknown[], b: readonly unknown[] | null) =>
  a.length === b?.length && a.every((x, i) => x === b[i]);
const same = (a: Drawn, b: Drawn) => a.nonFinite === b.nonFinite && a.offScale === b.offScale && a.hiddenByLog === b.hiddenByLog;
