import { AxisBottom, AxisLeft } from '@visx/axis';
import { GridColumns, GridRows } from '@visx/grid';
import { scaleLinear, scaleLog } from '@visx/scale';
import { memo } from 'react';
import { logTicks } from './domains';
import { formatPercent, formatTick } from './format';
import type { Plot } from './plot';
import { spread, type XMap } from './xMap';

export const margin = { left: 50, right: 14, top: 16, bottom: 22 } as const;

const text = { fontSize: 11, fill: 'var(--color-dim)', fontFamily: 'var(--font-sans)' } as const;

/** Grid, ticks and labels; drawn again only when the layout changes. */
export const Axes = memo(function Axes({ plot, percent }: { plot: Plot; percent: boolean }) {
  const { x, y, width, height, log, map } = plot;
  const xScale = scaleLinear({ domain: [...x], range: [0, width] });
  const yScale = log ? scaleLog({ domain: [...y], range: [height, 0] }) : scaleLinear({ domain: [...y], range: [height, 0] });
  const xTicks = xTicksOf(map, x, width);
  const rows = Math.max(2, Math.floor(height / 36));
  const yTicks = log ? logTicks(y[0], y[1], rows) : spread(y[0], y[1], rows);
  const yTick = percent ? (v: number) => formatPercent(v).replace(' ', '\u2009') : formatTick;
  return (
    <g>
      <GridRows scale={yScale} width={width} tickValues={yTicks} stroke="var(--color-line)" strokeOpacity={0.75} />
      <GridColumns scale={xScale} height={height} tickValues={xTicks} stroke="var(--color-line)" strokeOpacity={0.35} />
      <AxisLeft
        scale={yScale}
        tickValues={yTicks}
        tickFormat={(v) => yTick(Number(v))}
        hideAxisLine
        hideTicks
        tickLength={2}
        tickLabelProps={{ ...text, textAnchor: 'end', dx: -4, dy: 3.5 }}
      />
      <XAxis plot={plot} />
    </g>
  );
});

/** The x axis at the bottom of a plot. */
export function XAxis({ plot: { x, width, height, map } }: { plot: Plot }) {
  return (
    <>
      <AxisBottom
        top={height}
        scale={scaleLinear({ domain: [...x], range: [0, width] })}
        tickValues={xTicksOf(map, x, width)}
        tickFormat={(v) => map.tick(Number(v))}
        stroke="var(--color-line)"
        tickStroke="var(--color-line)"
        tickLength={4}
        tickLabelProps={{ ...text, textAnchor: 'middle', dy: 2 }}
      />
      <text x={-6} y={height + 17} textAnchor="end" {...text}>
        {map.label}
      </text>
    </>
  );
}

const xTicksOf = (map: XMap, x: readonly [number, number], width: number) =>
  map.ticks(x[0], x[1], Math.max(2, Math.floor(width / 90)));
