import { Group } from '@visx/group';
import { LinePath } from '@visx/shape';
import { type ComponentProps, memo } from 'react';
import { cut } from '~/app/_charts/format';
import type { SweepPoint } from '~/shared/runTable';
import type { Axis, PlotProps } from './axis';
import { colorAt } from './color';

const height = 320;
const margin = { top: 34, right: 60, bottom: 16, left: 60 };

/** Each run as a line over its settings and results, colored by its value on the last axis. A click opens the run. */
export function ParallelPlot({ axes, points, width, over, onOver, onOpen }: PlotProps) {
  const x = (i: number) => xOf(i, axes.length, width);
  const shown = points.find((p) => p.runId === over);
  return (
    <svg
      width={width}
      height={height}
      role="img"
      aria-label={`${points.length} runs over ${axes.map((a) => a.title).join(', ')}`}
    >
      <Lines axes={axes} points={points} width={width} onOver={onOver} onOpen={onOpen} dim={shown !== undefined} />
      {shown && <Line axes={axes} point={shown} x={x} strong />}
      {axes.map((axis, i) => (
        <Group key={axis.key} left={x(i)} className="pointer-events-none">
          <line y1={margin.top} y2={height - margin.bottom} stroke="var(--color-dim)" strokeOpacity={0.6} />
          <text y={i % 2 === 0 ? 12 : 25} textAnchor={anchorOf(i, axes.length)} fontSize={11} fill="var(--color-ink)">
            {cut(axis.title, 24)}
          </text>
          {axis.ticks.map((tick) => (
            <text
              key={tick.text}
              x={i === axes.length - 1 ? 5 : -5}
              y={yOf(tick.at) + 3.5}
              textAnchor={i === axes.length - 1 ? 'start' : 'end'}
              fontSize={10}
              fill="var(--color-dim)"
              stroke="var(--color-panel)"
              strokeWidth={3}
              paintOrder="stroke"
            >
              {tick.text}
            </text>
          ))}
        </Group>
      ))}
      {shown && (
        <text x={width - 8} y={height - 3} textAnchor="end" fontSize={11} fill="var(--color-ink)">
          {shown.name}
        </text>
      )}
    </svg>
  );
}

const yOf = (at: number): number => margin.top + (1 - at) * (height - margin.top - margin.bottom);
const anchorOf = (i: number, of: number) => (i === 0 ? 'start' : i === of - 1 ? 'end' : 'middle');

const xOf = (i: number, of: number, width: number): number => {
  const inner = Math.max(40, width - margin.left - margin.right);
  return margin.left + (of === 1 ? inner / 2 : (i * inner) / (of - 1));
};

/** Memoized: moving the pointer must not redraw hundreds of lines. */
const Lines = memo(function Lines({ axes, points, width, onOver, onOpen, dim }: Omit<PlotProps, 'over'> & { dim: boolean }) {
  return (
    <Group opacity={dim ? 0.25 : 0.75}>
      {points.map((point) => (
        <Line
          key={point.runId}
          axes={axes}
          point={point}
          x={(i) => xOf(i, axes.length, width)}
          onPointerEnter={() => onOver(point.runId)}
          onPointerLeave={() => onOver(null)}
          onClick={() => onOpen(point.runId)}
        />
      ))}
    </Group>
  );
});

function Line({
  axes,
  point,
  x,
  strong = false,
  ...handlers
}: Pick<ComponentProps<'path'>, 'onPointerEnter' | 'onPointerLeave' | 'onClick'> & {
  axes: readonly Axis[];
  point: SweepPoint;
  x(i: number): number;
  strong?: boolean;
}) {
  const places = axes.map((axis, i) => axis.at(point.values[i] ?? null));
  return (
    <LinePath
      data={places}
      // A run without a value on an axis has a gap there.
      defined={(at) => at !== null}
      x={(_at, i) => x(i)}
      y={(at) => yOf(at ?? 0)}
      stroke={colorAt(places.at(-1) ?? null)}
      strokeWidth={strong ? 3 : 1.5}
      fill="none"
      className={strong ? 'pointer-events-none' : 'cursor-pointer'}
      {...handlers}
    />
  );
}
