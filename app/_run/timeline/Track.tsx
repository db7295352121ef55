'use client';

import { type ReactNode, type Ref, useMemo, useRef } from 'react';
import { moveByKey } from '~/app/_charts/cursorKeys';
import type { Curve } from '~/app/_charts/curve';
import { formatStep } from '~/app/_charts/format';
import { MarkGlyphs } from '~/app/_charts/MarksLayer';
import { type Palette, usePalette } from '~/app/_charts/palette';
import { heightsOf, type Pen } from '~/app/_charts/plot';
import { middle, trace } from '~/app/_charts/strokes';
import type { Mark } from '~/app/_charts/types';
import { clearedPen, useDrawing } from '~/app/_charts/useDrawing';
import { useSize } from '~/app/_charts/useSize';
import { colorOf as colorOfPerson, initials } from '~/app/_components/Avatars';
import { setCursor, useCursor } from '~/app/_live/cursor';
import type { History } from '~/app/_live/history';
import { usePresent } from '~/app/_live/PresenceProvider';
import { useWanted } from '~/app/_live/useHistory';
import { useView } from '~/app/_live/useRun';
import { useWholeRun } from '~/app/_run/useWholeRun';
import { seriesDrawnAlone } from '~/shared/streams';
import { Lanes, labelWidth } from './Lanes';
import { useSnapshotWords } from './snapshotWords';

const inset = 10;
const heights = { lanes: 34, line: 28 };

/** The whole run as a track: one series, the range of the charts, the other people, and the handle; optionally with lanes below. */
export function Track(props: {
  /** From stateWord. */
  state: string;
  /** Steps with a snapshot, ascending. */
  stops: readonly number[];
  marks: readonly Mark[];
  lanes: boolean;
  history: History;
}) {
  const { state, stops, marks, lanes, history } = props;
  const palette = usePalette();
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const { width: full } = useSize(box);
  const left = lanes && full > 600 ? labelWidth : inset;
  const width = Math.max(0, full - left - inset);
  const height = lanes ? heights.lanes : heights.line;
  const [start, end] = useWholeRun();
  const px = useMemo(
    () => (step: number) => width * Math.min(1, Math.max(0, (step - start) / (end - start))),
    [start, end, width],
  );
  const name = useView((v) => seriesDrawnAlone(v)?.name ?? null, null);
  useWanted(history, [name]);
  const zoom = useCursor((c) => c.zoom);

  useDrawing(
    (stale) => {
      if (width === 0) return false;
      if (stale) drawTrack(canvas.current, name === null ? null : history.wholeCurve(name), { px, width, height, palette });
      return true;
    },
    setCursor,
    history.subscribe,
    [px, height, palette, name, history],
  );

  const pinAt = (clientX: number) => {
    const share = (clientX - box.current!.getBoundingClientRect().left - left) / width;
    setCursor.pin(Math.min(setCursor.headStep(), Math.round(start + Math.min(1, Math.max(0, share)) * (end - start))));
  };
  return (
    <div className={`relative min-w-0 ${lanes ? 'pb-1' : ''}`}>
      <Slider boxRef={box} state={state} start={start} height={height} stops={stops} pinAt={pinAt}>
        <canvas ref={canvas} aria-hidden className="absolute" style={{ left, top: 0, width, height }} />
        <svg width={full} height={height} aria-hidden className="absolute inset-0">
          <g transform={`translate(${left},0)`}>
            {zoom && (
              <rect
                x={px(zoom[0])}
                width={Math.max(2, px(zoom[1]) - px(zoom[0]))}
                height={height}
                fill="var(--color-accent)"
                fillOpacity={0.14}
                stroke="var(--color-accent)"
                strokeOpacity={0.5}
              />
            )}
            {!lanes && <MarkGlyphs {...{ marks, px, width, palette }} gap={11} y={7} />}
            <Others px={px} height={height} />
          </g>
        </svg>
      </Slider>
      {lanes && <Lanes marks={marks} stops={stops} px={px} left={left} width={width} palette={palette} />}
      <div aria-hidden className="pointer-events-none absolute inset-y-0" style={{ left, width }}>
        <Handle px={px} height={height} />
      </div>
    </div>
  );
}

/** The track as a control: keys, pointer, and its value in words. */
function Slider(props: {
  boxRef: Ref<HTMLDivElement>;
  state: string;
  start: number;
  height: number;
  stops: readonly number[];
  pinAt(clientX: number): void;
  children: ReactNode;
}) {
  const { state, start, stops, pinAt } = props;
  const step = useCursor((c) => c.step);
  const head = useView((v) => v.step, 0);
  const said = useSnapshotWords();
  return (
    <div
      ref={props.boxRef}
      role="slider"
      tabIndex={0}
      aria-label="Step"
      aria-valuemin={start}
      aria-valuemax={Math.max(start, head)}
      aria-valuenow={step}
      aria-valuetext={`${state}, step ${formatStep(step)} of ${formatStep(head)}. ${said}`}
      className="relative cursor-ew-resize touch-none select-none"
      style={{ height: props.height }}
      onKeyDown={(e) => {
        if (!moveByKey(e, setCursor, stops)) return;
        e.preventDefault();
        e.stopPropagation();
      }}
      onPointerDown={(e) => {
        if (e.button !== 0) return;
        e.currentTarget.setPointerCapture(e.pointerId);
        pinAt(e.clientX);
      }}
      onPointerMove={(e) => {
        if (e.currentTarget.hasPointerCapture(e.pointerId)) pinAt(e.clientX);
      }}
    >
      {props.children}
    </div>
  );
}

/** The step shown, and the step under the mouse. Moved by a transform: the page is not laid out again. */
function Handle({ px, height }: { px(step: number): number; height: number }) {
  const { live, step, hover } = useCursor((c) => ({ live: c.mode === 'live', step: c.step, hover: c.hoverStep }));
  const color = live ? 'bg-good' : 'bg-accent';
  return (
    <>
      {hover !== null && (
        <i className="absolute inset-y-0 left-0 w-px bg-ink/40" style={{ transform: `translateX(${px(hover)}px)` }} />
      )}
      <i className={`absolute inset-y-0 left-0 -ml-px w-0.5 ${color}`} style={{ transform: `translateX(${px(step)}px)` }}>
        <i className={`absolute -left-1 h-5 w-2.5 rounded-sm border border-panel ${color}`} style={{ top: (height - 20) / 2 }} />
      </i>
    </>
  );
}

/** The steps at which the other people are, in their colors. */
function Others({ px, height }: { px(step: number): number; height: number }) {
  const others = usePresent((p) => p.others);
  const follows = others.some((o) => o.look.live);
  const head = useView((v) => (follows ? v.step : 0), 0);
  return others.map(({ tab, actor, look }) => (
    <g key={tab} data-looks={actor.name} transform={`translate(${px(look.live ? head : look.step)},0)`}>
      <title>{actor.name}</title>
      <line y2={height} stroke={colorOfPerson(actor.id)} strokeWidth={2} strokeDasharray={look.live ? '3 2' : undefined} />
      <rect x={-8} y={height - 11} width={16} height={11} rx={2} fill={colorOfPerson(actor.id)} />
      <text y={height - 2.5} textAnchor="middle" fontSize={8.5} fontWeight={700} fill="var(--color-panel)">
        {initials(actor.name)}
      </text>
    </g>
  ));
}

interface TrackPlace {
  px(step: number): number;
  width: number;
  height: number;
  palette: Palette;
}

function drawTrack(canvas: HTMLCanvasElement | null, curve: Curve | null, { px, width, height, palette }: TrackPlace): void {
  const pen = clearedPen(canvas, width, height)?.pen;
  if (!pen) return;
  const [top, bottom] = [4, height - 4];
  pen.fillStyle = palette.raised;
  pen.fillRect(0, top - 1, width, bottom - top + 2);
  if (!curve || curve.count < 2) return;
  const xs = Array.from({ length: curve.count }, (_, i) => px(middle(curve, i)));
  const values = xs.map((_, i) => curve.mean(i));
  trace(pen as Pen, curve.count, xs, heightsOf(values, top + 2, bottom));
  pen.strokeStyle = palette.series[0]!;
  pen.globalAlpha = 0.8;
  pen.lineWidth = 1;
  pen.stroke();
  pen.globalAlpha = 1;
}
