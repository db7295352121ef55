import { memo } from 'react';
import { tickTexts } from './format';
import { around, labelSize, labelWidth, unit, yLabels, yTicks } from './margins';
import { type Plot, pixelY } from './plot';

/** Digits as wide as `labelWidth` measures them: a canvas does not know those of equal width, which the page has. */
const text = {
  fontSize: labelSize,
  fill: 'var(--color-dim)',
  fontFamily: 'var(--font-sans)',
  style: { fontVariantNumeric: 'normal' },
} as const;

/**
 * Grid, ticks and labels; rendered again only when the layout changes. Plain SVG: a component for each line and label, as chart libraries
 * have, was half of the cost of opening a chart.
 */
export const Axes = memo(function Axes({ plot, percent }: { plot: Plot; percent: boolean }) {
  const { y, width, height, log } = plot;
  const ticks = yTicks(y, log, height);
  const labels = yLabels(ticks, percent);
  const rows = ticks.map((v) => `M0 ${pixelY(plot, v)}H${width}`);
  const columns = xTicks(plot).map((v) => `M${axisX(plot, v)} 0V${height}`);
  return (
    <g>
      <path d={rows.join('')} stroke="var(--color-line)" strokeOpacity={0.75} />
      <path d={columns.join('')} stroke="var(--color-line)" strokeOpacity={0.35} />
      {ticks.map((v, i) => (
        <text key={v} x={-6} y={pixelY(plot, v) + 3.5} textAnchor="end" {...text}>
          {labels[i]}
        </text>
      ))}
      <XAxis plot={plot} />
    </g>
  );
});

/** The x axis below a plot. Its name is left of the axis, or at its right end when it is too long for that. */
export function XAxis({ plot }: { plot: Plot }) {
  const { width, height, map, left } = plot;
  const nameWidth = labelWidth(map.label);
  const inFront = nameWidth + 10 * unit() <= left;
  const free = width - nameWidth - 8;
  const y = height + 17 * unit();
  const ticks = xTicks(plot);
  const labels = tickTexts(ticks, map.tick);
  const labeled = fitted(
    ticks.map((v, i) => ({ x: axisX(plot, v), label: labels[i]! })),
    inFront ? -4 * unit() : -left,
    inFront ? width + around().right : free,
  );
  return (
    <>
      <path
        d={[`M0 ${height}H${width}`, ...labeled.map(({ x }) => `M${x} ${height}v4`)].join('')}
        stroke="var(--color-line)"
        fill="none"
      />
      {labeled.map(({ x, at, label }) => (
        <text key={x} x={at} y={y} textAnchor="middle" {...text}>
          {label}
        </text>
      ))}
      <text x={inFront ? -8 * unit() : width} y={y} textAnchor="end" {...text}>
        {map.label}
      </text>
    </>
  );
}

/** Ascending. */
interface Tick {
  x: number;
  label: string;
}

/**
 * The ticks whose labels have room between `from` and `to`, with the middle of each label: at an end it is shifted inward instead of being cut,
 * but not away from its tick.
 */
export function fitted<T extends Tick>(ticks: readonly T[], from: number, to: number): (T & { at: number })[] {
  const out: (T & { at: number })[] = [];
  let least = from;
  for (const tick of ticks) {
    const half = labelWidth(tick.label) / 2;
    const at = Math.min(Math.max(tick.x, from + half), to - half);
    if (at - half < least || Math.abs(at - tick.x) > half) continue;
    out.push({ ...tick, at });
    least = at + half + 6;
  }
  return out;
}

/** Pixel of a value of the x axis. */
const axisX = ({ x, width }: Plot, value: number) => ((value - x[0]) / (x[1] - x[0])) * width;

const xTicks = ({ map, x, width }: Plot) => map.ticks(x[0], x[1], Math.max(2, Math.floor(width / (64 * unit()))));
