import { AxisBottom, AxisLeft } from '@visx/axis';
import { GridColumns, GridRows } from '@visx/grid';
import { scaleLinear, scaleLog } from '@visx/scale';
import { memo } from 'react';
import { around, labelSize, labelWidth, unit, yLabel, yTicks } from './margins';
import type { Plot } from './plot';

const text = { fontSize: labelSize, fill: 'var(--color-dim)', fontFamily: 'var(--font-sans)' } as const;

/** Grid, ticks and labels; rendered again only when the layout changes. */
export const Axes = memo(function Axes({ plot, percent }: { plot: Plot; percent: boolean }) {
  const { y, width, height, log } = plot;
  const xScale = scaleLinear({ domain: [...plot.x], range: [0, width] });
  const yScale = log ? scaleLog({ domain: [...y], range: [height, 0] }) : scaleLinear({ domain: [...y], range: [height, 0] });
  const ticks = yTicks(y, log, height);
  const label = yLabel(percent);
  return (
    <g>
      <GridRows scale={yScale} width={width} tickValues={ticks} stroke="var(--color-line)" strokeOpacity={0.75} />
      <GridColumns scale={xScale} height={height} tickValues={xTicks(plot)} stroke="var(--color-line)" strokeOpacity={0.35} />
      <AxisLeft
        scale={yScale}
        tickValues={ticks}
        tickFormat={(v) => label(Number(v))}
        hideAxisLine
        hideTicks
        tickLength={2}
        tickLabelProps={{ ...text, textAnchor: 'end', dx: -4, dy: 3.5 }}
      />
      <XAxis plot={plot} />
    </g>
  );
});

/** The x axis below a plot. Its name is left of the axis, or at its right end when it is too long for that. */
export function XAxis({ plot }: { plot: Plot }) {
  const { x, width, height, map, left } = plot;
  const scale = scaleLinear({ domain: [...x], range: [0, width] });
  const nameWidth = labelWidth(map.label);
  const inFront = nameWidth + 10 * unit() <= left;
  const free = inFront ? Number.POSITIVE_INFINITY : width - nameWidth - 8;
  const half = (v: number) => labelWidth(map.tick(v)) / 2;
  const y = height + 17 * unit();
  return (
    <>
      <AxisBottom
        top={height}
        scale={scale}
        tickValues={xTicks(plot).filter((v) => scale(v) + half(v) <= free && (inFront || scale(v) - half(v) >= -left))}
        tickFormat={(v) => map.tick(Number(v))}
        stroke="var(--color-line)"
        tickStroke="var(--color-line)"
        tickLength={4}
        tickLabelProps={(v) => {
          // The label of a tick at the very end is shifted inward instead of being cut.
          const over = scale(Number(v)) + half(Number(v)) - width - around().right;
          return { ...text, textAnchor: 'middle', dy: 2, dx: over > 0 ? -over : 0 };
        }}
      />
      <text x={inFront ? -6 : width} y={y} textAnchor="end" {...text}>
        {map.label}
      </text>
    </>
  );
}

const xTicks = ({ map, x, width }: Plot) => map.ticks(x[0], x[1], Math.max(2, Math.floor(width / (90 * unit()))));
