import { AxisBottom, AxisLeft } from '@visx/axis';
import { scaleLinear } from '@visx/scale';
import { memo, type PointerEvent, useState } from 'react';
import { placeIn } from './pointing';
import { short } from './scale';
import { axisRange, type Brush, brushed, type Trail, thinned } from './scatter';
import { type HeadId, type Hidden, headKey } from './selection';
import { headName } from './tokens';

export interface ScatterAxis {
  label: string;
  /** Declared ends; null = computed from the points. */
  range: readonly [number, number] | null;
  /** The value of a uniform map. */
  chance: number | null;
}

interface HeadScatterProps {
  trails: readonly Trail[];
  x: ScatterAxis;
  y: ScatterAxis;
  hidden: Hidden;
  active: { layer: number; head: number } | null;
  width: number;
  height: number;
  onPick: (head: HeadId) => void;
  /** Called with the heads inside the brush; none = the brush contains no points. */
  onBrush: (heads: HeadId[]) => void;
}

const margin = { left: 40, right: 10, top: 8, bottom: 34 };
const mostTrailPoints = 150;
/** A press that moves less than this is a click. */
const clickPx = 4;

/** One point per head, with its path over the steps. Drag over points to show only those heads. */
export const HeadScatter = memo(function HeadScatter(props: HeadScatterProps) {
  const { trails, x, y, hidden, active, width, height, onPick, onBrush } = props;
  const [brush, setBrush] = useState<Brush | null>(null);
  const [innerWidth, innerHeight] = [width - margin.left - margin.right, height - margin.top - margin.bottom];
  const xScale = scaleLinear<number>({ domain: axisRange(trails, 0, x.range), range: [0, innerWidth] });
  const yScale = scaleLinear<number>({ domain: axisRange(trails, 1, y.range), range: [innerHeight, 0] });
  const at = (event: PointerEvent): readonly [number, number] => {
    const [px, py] = placeIn(event);
    return [xScale.invert(px), yScale.invert(py)];
  };
  const done = () => {
    if (!brush) return;
    const [a, b] = brush;
    setBrush(null);
    const moved = Math.hypot(xScale(a[0]) - xScale(b[0]), yScale(a[1]) - yScale(b[1]));
    onBrush(moved < clickPx ? [] : brushed(trails, brush));
  };
  const tick = (anchor: 'middle' | 'end') => ({
    numTicks: 5,
    tickLength: 3,
    stroke: 'var(--color-line)',
    tickStroke: 'var(--color-line)',
    tickFormat: (v: { valueOf(): number }) => short(Number(v)),
    tickLabelProps: { fill: 'var(--color-dim)', fontSize: 10, textAnchor: anchor, dy: anchor === 'end' ? '0.3em' : 0 } as const,
  });
  const [left, right] = brush ? brush.map(([px]) => xScale(px)).sort((p, q) => p - q) : [];
  const [top, bottom] = brush ? brush.map(([, py]) => yScale(py)).sort((p, q) => p - q) : [];
  const chances = [
    ...(x.chance === null ? [] : [{ x1: xScale(x.chance), x2: xScale(x.chance), y2: innerHeight }]),
    ...(y.chance === null ? [] : [{ y1: yScale(y.chance), y2: yScale(y.chance), x2: innerWidth }]),
  ];
  return (
    <div className="relative select-none" style={{ width, height }} data-testid="head-scatter">
      <svg width={width} height={height} className="absolute inset-0" aria-hidden>
        <g transform={`translate(${margin.left} ${margin.top})`}>
          <AxisLeft scale={yScale} {...tick('end')} />
          <AxisBottom top={innerHeight} scale={xScale} {...tick('middle')} />
          {chances.map((line, n) => (
            <line key={n} {...line} className="stroke-warn" strokeDasharray="3 3" strokeOpacity={0.6} />
          ))}
          <text x={innerWidth / 2} y={innerHeight + 30} textAnchor="middle" className="fill-dim text-[11px]">
            {x.label}
          </text>
          <text transform={`translate(-30 ${innerHeight / 2}) rotate(-90)`} textAnchor="middle" className="fill-dim text-[11px]">
            {y.label}
          </text>
          {trails.map(({ id: [l, h], points }) => {
            const on = active?.layer === l && active.head === h;
            const line = thinned(points, mostTrailPoints).map(([px, py]) => `${xScale(px).toFixed(1)},${yScale(py).toFixed(1)}`);
            return (
              <polyline
                key={headKey(l, h)}
                points={line.join(' ')}
                className={`fill-none ${on ? 'stroke-accent' : 'stroke-dim'}`}
                strokeWidth={on ? 1.75 : 1}
                strokeOpacity={hidden.has(headKey(l, h)) ? 0.12 : on ? 1 : 0.4}
              />
            );
          })}
          {brush && (
            <rect
              x={left}
              y={top}
              width={right! - left!}
              height={bottom! - top!}
              className="fill-accent/10 stroke-accent"
              strokeDasharray="4 2"
            />
          )}
        </g>
      </svg>
      <div
        className="absolute cursor-crosshair touch-none"
        style={{ left: margin.left, top: margin.top, width: innerWidth, height: innerHeight }}
        onPointerDown={(e) => {
          e.currentTarget.setPointerCapture(e.pointerId);
          setBrush([at(e), at(e)]);
        }}
        onPointerMove={(e) => brush && setBrush([brush[0], at(e)])}
        onPointerUp={done}
        onPointerCancel={() => setBrush(null)}
      />
      {trails.map(({ id: [l, h], points }) => {
        const end = points.at(-1);
        if (!end) return null;
        const on = active?.layer === l && active.head === h;
        const off = hidden.has(headKey(l, h));
        const words = `${l + 1}.${h + 1}, ${headName(l, h)}: ${x.label} ${end[0].toFixed(3)}, ${y.label} ${end[1].toFixed(3)}${off ? ', hidden' : ''}`;
        return (
          <button
            key={headKey(l, h)}
            type="button"
            aria-label={words}
            title={words}
            aria-pressed={on}
            data-point={headKey(l, h)}
            onClick={() => onPick([l, h])}
            style={{ left: margin.left + xScale(end[0]), top: margin.top + yScale(end[1]) }}
            className={`absolute flex h-5 min-w-5 -translate-1/2 items-center justify-center rounded-full border px-0.5 font-mono text-[9px] leading-none ${
              on
                ? 'z-10 border-accent bg-accent text-on-accent'
                : off
                  ? 'border-line bg-panel text-dim opacity-60'
                  : 'border-dim bg-raised text-ink'
            }`}
          >
            {l + 1}.{h + 1}
          </button>
        );
      })}
    </div>
  );
});
