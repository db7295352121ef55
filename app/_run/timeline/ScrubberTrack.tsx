'use client';

import { type KeyboardEvent, memo, useCallback, useEffect, useMemo, useRef } from 'react';
import { askFrame, dropFrame } from '~/app/_charts/drawLoop';
import { MarkGlyph } from '~/app/_charts/MarkGlyph';
import { clusterMarks } from '~/app/_charts/marks';
import { type Palette, usePalette } from '~/app/_charts/palette';
import { middle } from '~/app/_charts/strokes';
import { colorOf, type Mark } from '~/app/_charts/types';
import { useSize } from '~/app/_charts/useSize';
import { colourOf, initials } from '~/app/_components/Avatars';
import { setCursor, useCursor } from '~/app/_live/cursor';
import type { History } from '~/app/_live/history';
import { usePresent } from '~/app/_live/PresenceProvider';
import { useSeries, withRole } from '~/app/_live/series';
import { useWanted } from '~/app/_live/useHistory';
import { ScrubberNotes } from './ScrubberNotes';

const height = 46;
const inset = 12;

/** The whole run as a track: its loss (or its main series), what happened, where snapshots are, the range the charts show, and the handle. */
export function ScrubberTrack(props: {
  head: number;
  step: number;
  live: boolean;
  valueText: string;
  snapshots: readonly number[];
  marks: readonly Mark[];
  history: History;
  subscribe(listener: () => void): () => void;
  onKeyDown(e: KeyboardEvent): void;
}) {
  const { head, step, live, snapshots, marks, history, subscribe } = props;
  const palette = usePalette();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width: full } = useSize(box);
  const width = Math.max(0, full - 2 * inset);
  const start = Math.min(setCursor.startStep(), head);
  const end = Math.max(start + 1, head);
  const series = useSeries();
  const name = (withRole(series, 'loss') ?? series.find((s) => s.main))?.name ?? null;
  useWanted(
    history,
    useMemo(() => (name === null ? [] : [name]), [name]),
  );
  const hover = useCursor((c) => c.hoverStep);
  const zoom = useCursor((c) => c.zoom);

  const live_ = useRef({ start, end, width, snapshots, palette, name });
  live_.current = { start, end, width, snapshots, palette, name };
  const frame = useCallback(() => {
    const now = live_.current;
    if (canvas.current && now.width > 0) drawTrack(canvas.current, now, history);
  }, [history]);
  useEffect(() => askFrame(frame));
  useEffect(() => {
    const stop = subscribe(() => askFrame(frame));
    return () => {
      stop();
      dropFrame(frame);
    };
  }, [subscribe, frame]);

  // Notes can be pressed: they are laid over the track.
  const things = useMemo(() => marks.filter((m) => m.kind !== 'note'), [marks]);
  const px = (s: number) => ((Math.min(s, end) - start) / (end - start)) * width;
  const pinAt = (clientX: number) => {
    const rect = box.current!.getBoundingClientRect();
    const share = (clientX - rect.left - inset) / width;
    setCursor.pin(Math.round(start + Math.min(1, Math.max(0, share)) * (head - start)));
  };
  return (
    <div className="relative mt-1">
      <div
        ref={box}
        role="slider"
        tabIndex={0}
        aria-label="Step"
        aria-valuemin={start}
        aria-valuemax={Math.max(start, head)}
        aria-valuenow={step}
        aria-valuetext={props.valueText}
        className="relative cursor-ew-resize touch-none select-none"
        style={{ height }}
        onKeyDown={props.onKeyDown}
        onPointerDown={(e) => {
          if (e.button !== 0) return;
          e.currentTarget.setPointerCapture(e.pointerId);
          pinAt(e.clientX);
        }}
        onPointerMove={(e) => {
          if (e.currentTarget.hasPointerCapture(e.pointerId)) pinAt(e.clientX);
        }}
      >
        <canvas ref={canvas} aria-hidden className="absolute" style={{ left: inset, top: 0, width, height }} />
        <svg width={full} height={height} aria-hidden className="absolute inset-0">
          <g transform={`translate(${inset},0)`}>
            {zoom && (
              <rect
                x={px(zoom[0])}
                width={Math.max(2, px(zoom[1]) - px(zoom[0]))}
                y={12}
                height={24}
                fill="var(--color-accent)"
                fillOpacity={0.14}
                stroke="var(--color-accent)"
                strokeOpacity={0.5}
              />
            )}
            <TrackMarks marks={things} start={start} end={end} width={width} palette={palette} />
            <Others end={end} px={px} />
            {hover !== null && (
              <line x1={px(hover)} x2={px(hover)} y1={12} y2={36} stroke="var(--color-ink)" strokeOpacity={0.45} />
            )}
            <g transform={`translate(${px(step)},0)`}>
              <line y1={10} y2={height - 4} stroke={live ? 'var(--color-good)' : 'var(--color-accent)'} strokeWidth={2} />
              <rect
                x={-5}
                y={15}
                width={10}
                height={18}
                rx={2}
                fill={live ? 'var(--color-good)' : 'var(--color-accent)'}
                stroke="var(--color-panel)"
                strokeWidth={1.5}
              />
            </g>
          </g>
        </svg>
      </div>
      {/* Beside the slider: what can be pressed must not be inside of it. */}
      <div className="pointer-events-none absolute top-0" style={{ left: inset, width, height: 14 }}>
        <ScrubberNotes px={px} />
      </div>
    </div>
  );
}

/** Where the others stand, in their colours. */
function Others({ end, px }: { end: number; px(step: number): number }) {
  const others = usePresent((p) => p.others);
  return others.map(({ tab, actor, look }) => (
    <g key={tab} data-looks={actor.name} transform={`translate(${px(look.live ? end : look.step)},0)`}>
      <title>{actor.name}</title>
      <line y1={10} y2={height - 9} stroke={colourOf(actor.id)} strokeWidth={2} strokeDasharray={look.live ? '3 2' : undefined} />
      <rect x={-8} y={height - 11} width={16} height={11} rx={2} fill={colourOf(actor.id)} />
      <text y={height - 2.5} textAnchor="middle" fontSize={8.5} fontWeight={700} fill="var(--color-panel)">
        {initials(actor.name)}
      </text>
    </g>
  ));
}

const TrackMarks = memo(function TrackMarks({
  marks,
  start,
  end,
  width,
  palette,
}: {
  marks: readonly Mark[];
  start: number;
  end: number;
  width: number;
  palette: Palette;
}) {
  return clusterMarks(marks, (s) => ((s - start) / (end - start)) * width, width, 11).map((c) => (
    <g key={c.head.id} transform={`translate(${c.x},7)`}>
      <MarkGlyph kind={c.head.kind} color={colorOf(palette, c.head.color)} more={c.marks.length > 1} />
    </g>
  ));
});

function drawTrack(
  canvas: HTMLCanvasElement,
  {
    start,
    end,
    width,
    snapshots,
    palette,
    name,
  }: { start: number; end: number; width: number; snapshots: readonly number[]; palette: Palette; name: string | null },
  history: History,
): void {
  const ratio = Math.min(3, window.devicePixelRatio || 1);
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const pen = canvas.getContext('2d')!;
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, width, height);
  const [top, bottom] = [13, 35];
  pen.fillStyle = palette.raised;
  pen.fillRect(0, top - 1, width, bottom - top + 2);
  const curve = name === null ? null : history.wholeCurve(name);
  const at = (step: number) => ((step - start) / (end - start)) * width;
  if (curve && curve.count > 1) {
    let lo = Number.POSITIVE_INFINITY;
    let hi = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < curve.count; i++) {
      const v = curve.mean(i);
      if (!Number.isFinite(v)) continue;
      lo = Math.min(lo, v);
      hi = Math.max(hi, v);
    }
    const y = (v: number) => bottom - ((v - lo) / (hi - lo || 1)) * (bottom - top - 2);
    pen.beginPath();
    let open = false;
    let firstX = Number.NaN;
    let lastX = 0;
    for (let i = 0; i < curve.count; i++) {
      const v = curve.mean(i);
      const x = at(middle(curve, i));
      if (!Number.isFinite(v)) open = false;
      else if (open) pen.lineTo(x, y(v));
      else pen.moveTo(x, y(v));
      if (Number.isFinite(v)) {
        open = true;
        lastX = x;
        if (Number.isNaN(firstX)) firstX = x;
      }
    }
    pen.strokeStyle = palette.series[0]!;
    pen.globalAlpha = 0.8;
    pen.lineWidth = 1;
    pen.stroke();
    pen.lineTo(lastX, bottom);
    pen.lineTo(firstX, bottom);
    pen.fillStyle = palette.series[0]!;
    pen.globalAlpha = 0.12;
    pen.fill();
    pen.globalAlpha = 1;
  }
  // Snapshots: a tick each; one column of pixels holds at most one.
  pen.fillStyle = palette.dim;
  let last = Number.NEGATIVE_INFINITY;
  for (const s of snapshots) {
    const x = at(s);
    if (x - last < 2 / ratio || s > end) continue;
    pen.fillRect(x - 0.5, 38, 1, 5);
    last = x;
  }
}
