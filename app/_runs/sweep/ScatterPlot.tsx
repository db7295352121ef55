import { AxisBottom, AxisLeft } from '@visx/axis';
import { GridColumns, GridRows } from '@visx/grid';
import { Group } from '@visx/group';
import { scaleLinear } from '@visx/scale';
import { fitted } from '~/app/_charts/Axes';
import { labelWidth } from '~/app/_charts/margins';
import { counted } from '~/shared/numbers';
import type { Axis, PlotProps } from './axis';
import { colorAt } from './color';

const height = 320;
const around = { top: 12, right: 20, bottom: 40 };
const text = { fontSize: 11, fill: 'var(--color-dim)', fontFamily: 'var(--font-sans)' } as const;

/** Each run as a dot: one axis against another. A click opens the run. Runs that lack one of the two values are counted below. */
export function ScatterPlot({
  axes,
  x,
  y,
  points,
  width,
  over,
  onOver,
  onOpen,
}: PlotProps & {
  /** Index in the list of axes. */
  x: number;
  y: number;
}) {
  const [across, up] = [axes[x]!, axes[y]!];
  // Beside the ticks of y stands its title.
  const margin = { ...around, left: 30 + Math.max(34, ...up.ticks.map((t) => labelWidth(t.text))) };
  const [inner, tall] = [Math.max(40, width - margin.left - margin.right), height - margin.top - margin.bottom];
  const xScale = scaleLinear<number>({ domain: [-0.03, 1.03], range: [0, inner] });
  const yScale = scaleLinear<number>({ domain: [-0.05, 1.05], range: [tall, 0] });
  const placed = points.flatMap((point) => {
    const [px, py] = [across.at(point.values[x] ?? null), up.at(point.values[y] ?? null)];
    return px === null || py === null ? [] : [{ point, px, py }];
  });
  const words = (axis: Axis) => (v: { valueOf(): number }) => axis.ticks.find((t) => t.at === v.valueOf())?.text ?? '';
  const columns = fitted(
    across.ticks.map((t) => ({ x: xScale(t.at), label: t.text, value: t.at })),
    -margin.left,
    inner + margin.right,
  ).map((t) => t.value);
  const left = points.length - placed.length;
  return (
    <>
      <svg width={width} height={height} role="img" aria-label={`${placed.length} runs: ${up.title} against ${across.title}`}>
        <Group left={margin.left} top={margin.top}>
          <GridRows scale={yScale} width={inner} tickValues={up.ticks.map((t) => t.at)} stroke="var(--color-line)" />
          <GridColumns scale={xScale} height={tall} tickValues={columns} stroke="var(--color-line)" strokeOpacity={0.5} />
          <AxisLeft
            scale={yScale}
            tickValues={up.ticks.map((t) => t.at)}
            tickFormat={words(up)}
            hideTicks
            stroke="var(--color-line)"
            tickLabelProps={{ ...text, textAnchor: 'end', dx: -4, dy: 3.5 }}
          />
          <AxisBottom
            top={tall}
            scale={xScale}
            tickValues={columns}
            tickFormat={words(across)}
            stroke="var(--color-line)"
            tickStroke="var(--color-line)"
            tickLength={4}
            tickLabelProps={{ ...text, textAnchor: 'middle', dy: 2 }}
          />
          <text x={inner / 2} y={tall + 34} textAnchor="middle" {...text}>
            {across.title}
          </text>
          <text transform={`translate(${-margin.left + 12} ${tall / 2}) rotate(-90)`} textAnchor="middle" {...text}>
            {up.title}
          </text>
          {placed.map(({ point, px, py }) => (
            // biome-ignore lint/a11y/noStaticElementInteractions: the table has a link to each of these runs
            <circle
              key={point.runId}
              cx={xScale(px)}
              cy={yScale(py)}
              r={over === point.runId ? 7 : 4.5}
              fill={colorAt(py)}
              stroke="var(--color-panel)"
              className="cursor-pointer"
              onPointerEnter={() => onOver(point.runId)}
              onPointerLeave={() => onOver(null)}
              onClick={() => onOpen(point.runId)}
            >
              <title>{`${point.name} (${point.status})`}</title>
            </circle>
          ))}
        </Group>
      </svg>
      {left > 0 && (
        <p className="px-3 pb-2 text-xs text-dim">{counted(left, 'run has', 'runs have')} no finite value for one of the two.</p>
      )}
    </>
  );
}
